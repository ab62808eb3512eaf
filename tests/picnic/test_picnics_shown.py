"""How picnics are shown: the right city, and the first who come to each."""

from datetime import UTC, datetime
from typing import Any

from kit.db import Database
from tests.picnic.forms import (
    PICNICS,
    SHOWN_PICNIC,
    add_city,
    add_people,
    add_picnic,
    join,
    plan,
    read,
)
from tests.support.clients import Client
from tests.support.shops import run
from tests.users.forms import PUBLIC, USERS

MOMENT = datetime(2095, 6, 1, 12, 30, tzinfo=UTC)
BEHIND = "SELECT setval(pg_get_serial_sequence('picnics', 'id'), :id)"
LEAVE = "UPDATE users SET deleted_at = now() WHERE id = :id"


class TestParticipants:
    async def test_are_the_first_twenty_with_the_number_of_all(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        people = await add_people(house_database, 25)
        full = await add_picnic(house_database, town, dora, MOMENT)
        two = await add_picnic(house_database, town, dora, MOMENT)
        empty = await add_picnic(house_database, town, dora, MOMENT)
        await join(house_database, full, *people[::-1])
        await join(house_database, two, people[3], dora)
        shown = {picnic["id"]: picnic for picnic in (await read(guest, PICNICS))["items"]}
        assert _who(shown[full]) == (people[:4:-1], 25)
        assert _who(shown[two]) == ([people[3], dora], 2)
        assert _who(shown[empty]) == ([], 0)
        for picnic_id, picnic in shown.items():
            assert await read(guest, f"{PICNICS}/{picnic_id}") == picnic

    async def test_are_public_users_without_those_who_left(
        self, alice: Client, house_database: Database, dora: int, town: int
    ) -> None:
        people = [dora, *await add_people(house_database, 2)]
        picnic_id = await add_picnic(house_database, town, people[1], MOMENT)
        await join(house_database, picnic_id, *people)
        await run(house_database, LEAVE, id=people[1])
        for query in ("", f"/{picnic_id}"):
            found = await read(alice, PICNICS + query)
            (picnic,) = found["items"] if not query else [found]
            assert _who(picnic) == ([dora, people[2]], 3)
            assert picnic["creator_id"] == people[1]
            assert picnic["participants"][0] == await read(alice, f"{USERS}/{dora}")
            assert picnic["participants"][0].keys() == PUBLIC

    async def test_are_shown_to_guests_and_stored_by_nobody(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        await join(house_database, await add_picnic(house_database, town, dora, MOMENT), dora)
        response = await guest.get(PICNICS)
        assert "dora" in await response.text()
        assert "@" not in await response.text()
        assert response.headers["Cache-Control"] == "no-store"


class TestClassicMistakes:
    async def test_a_picnic_whose_id_differs_from_its_citys_shows_the_right_city(
        self, alice: Client, house_database: Database
    ) -> None:
        towns = {await add_city(house_database, name): name for name in ("One", "Two", "Three")}
        await run(
            house_database,
            "SELECT setval(pg_get_serial_sequence('picnics', 'id'), :n)",
            n=min(towns),
        )
        for city_id, name in list(towns.items())[::-1] * 2:
            made = await plan(alice, city_id, "2095-06-01T12:30:00Z")
            assert made.keys() == SHOWN_PICNIC
            assert made["id"] != city_id
            assert made["city"] == {"id": city_id, "name": name}
            assert await read(alice, f"{PICNICS}/{made['id']}") == made
            assert made in (await read(alice, PICNICS))["items"]
            assert made in (await read(alice, PICNICS, city_id=city_id))["items"]


def _who(picnic: dict[str, Any]) -> tuple[list[int], int]:
    return [card["id"] for card in picnic["participants"]], picnic["participants_total"]
