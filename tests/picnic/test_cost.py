"""What a request costs in SQL and in round trips to Redis, whatever the number of rows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.events import tell
from tests.picnic.forms import (
    CITIES,
    PICNICS,
    add_cities,
    add_people,
    add_picnic,
    in_days,
    join,
    warm,
)
from tests.support.clients import Client, add_user, client_of, sign_in
from tests.users.cards import round_trips, statements

pytestmark = pytest.mark.concurrent

LATER = "2095-06-01T12:00:00Z"


@dataclass
class Place:
    """A house with so many cities and as many picnics, to each of which so many people come."""

    server: TestServer
    guest: Client
    alice: Client
    number: int
    people: int
    first: int  # id of a picnic
    new: list[str] = field(default_factory=lambda: ["Kazan", "Sochi"])

    async def cost(self, act: "Act") -> tuple[int, int]:
        """Return how many SQL statements and round trips to Redis a request takes."""
        assert (await act(self)).ok  # connections are open and scripts are known from here on
        with statements(self.server) as sql, round_trips() as packets:
            answer = await act(self)
        assert answer.ok, await answer.text()
        return len(sql), len(packets)


Act = Callable[[Place], Awaitable[ClientResponse]]


async def _plan(place: Place) -> ClientResponse:
    return await place.alice.post(PICNICS, json={"city_id": 1, "time": LATER})


async def _come_and_go(place: Place) -> ClientResponse:
    address = f"{PICNICS}/{place.first}/registrations"
    assert (await place.alice.post(address)).status == 201
    return await place.alice.delete(f"{address}/me")


# what is done, SQL statements when nobody comes, those to show who comes, round trips
COSTS: dict[str, tuple[Act, int, int, int]] = {
    "cities": (lambda x: x.guest.get(f"{CITIES}?size=100"), 2, 0, 1),
    "cities, searched": (lambda x: x.guest.get(f"{CITIES}?q=town&size=100"), 2, 0, 1),
    "city": (lambda x: x.guest.get(f"{CITIES}/1"), 1, 0, 1),
    "known city": (lambda x: x.alice.post(CITIES, json={"name": "TOWN 0"}), 1, 0, 2),
    "new city": (lambda x: x.alice.post(CITIES, json={"name": x.new.pop()}), 2, 0, 3),
    "picnics": (lambda x: x.guest.get(f"{PICNICS}?size=100"), 2, 1, 0),
    "picnics from now on": (lambda x: x.guest.get(f"{PICNICS}?past=false&city_id=1"), 2, 1, 0),
    "picnics for a user": (lambda x: x.alice.get(f"{PICNICS}?size=100"), 2, 1, 0),
    "picnic": (lambda x: x.guest.get(f"{PICNICS}/{x.first}"), 1, 1, 0),
    "participants": (lambda x: x.guest.get(f"{PICNICS}/{x.first}/participants"), 3, 1, 0),
    "plan": (_plan, 1, 0, 1),
    "register and leave": (_come_and_go, 2, 0, 2),
}


@pytest.fixture(params=[(1, 0), (1, 1), (100, 0), (100, 50)], ids=str)
async def place(
    request: pytest.FixtureRequest,
    busy_settings: Settings,
    busy_database: Database,
    serve: Serve,
) -> AsyncIterator[Place]:
    """Serve a house with few rows, or with many."""
    number, people = request.param
    server = await serve(busy_settings, None)
    guest, alice = client_of(server), client_of(server)
    ids = await add_people(busy_database, max(people, 1))
    await add_cities(busy_database, [f"Town {n}" for n in range(number)])
    made = [
        await add_picnic(busy_database, 1 + n, ids[0], in_days(1) + timedelta(hours=n))
        for n in range(number)
    ]
    for picnic_id in made[:10] if people else []:
        await join(busy_database, picnic_id, *ids)
    await add_user(busy_database, "alice")
    assert (await sign_in(alice, "alice")).status == 200
    opened = Place(server, guest, alice, number, people, made[0])
    assert len(await warm(guest, f"{CITIES}?size=100")) == number
    yield opened
    await guest.close()
    await alice.close()


class TestCost:
    async def test_is_the_same_for_one_row_and_a_hundred(self, place: Place) -> None:
        found = {what: await place.cost(act) for what, (act, *_) in COSTS.items()}
        tell(f"{place.number} cities and picnics, {place.people} come", found)
        assert found == {
            what: (sql + (who if place.people else 0), packets)
            for what, (_, sql, who, packets) in COSTS.items()
        }
