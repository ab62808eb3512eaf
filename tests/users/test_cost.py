"""What a request costs in SQL and in round trips to Redis, whatever the number of rows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from redis import asyncio as aioredis

from kit.cache import Cache
from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.events import tell
from tests.support.clients import API, Client, client_of, sign_in
from tests.support.shops import run
from tests.users.cards import round_trips, statements
from tests.users.forms import ME, USERS
from users.entities import cache_name

pytestmark = pytest.mark.concurrent

TOKEN = "a token that only services of ours know"
SERVICE = {"Authorization": f"Bearer {TOKEN}"}
FRIENDS = f"{API}/friends"
PEOPLE = """
INSERT INTO users (id, username, email, password_hash, first_name, second_name)
OVERRIDING SYSTEM VALUE
SELECT n, 'user' || n, 'user' || n || '@example.org', '', 'User', 'Example'
FROM generate_series(1001, 1000 + CAST(:number AS int)) AS n
"""
FRIENDSHIPS = """
INSERT INTO friendships (initiator_id, target_id)
SELECT (SELECT id FROM users WHERE username = 'alice'), id FROM users WHERE id > 1000
"""


@dataclass
class Place:
    """A house with so many users besides Alice, all of whom are her friends."""

    server: TestServer
    alice: Client
    redis: aioredis.Redis
    number: int

    @property
    def ids(self) -> str:
        """Return the ids of the others."""
        return ",".join(str(1001 + number) for number in range(self.number))

    async def get(self, path: str, **options: dict[str, str]) -> ClientResponse:
        """Ask for something."""
        return await self.alice.get(path, **options)  # type: ignore[arg-type]

    async def cost(self, what: str) -> tuple[int, int]:
        """Return how many SQL statements and round trips to Redis a request takes."""
        act, *_ = COSTS[what]
        assert (await act(self)).ok  # connections are open and scripts are known from here on
        if what == MISS:
            await self.redis.delete(Cache.key(cache_name(1001)))
        with statements(self.server) as sql, round_trips() as packets:
            answer = await act(self)
        assert answer.ok, await answer.text()
        if what in LISTS:
            assert len((await answer.json())["items"]) >= self.number
        tell(f"{what}, {self.number} rows, SQL and round trips", (len(sql), len(packets)))
        return len(sql), len(packets)


Act = Callable[[Place], Awaitable[ClientResponse]]


@pytest.fixture(params=[1, 100])
async def place(
    request: pytest.FixtureRequest,
    busy_settings: Settings,
    busy_database: Database,
    redis: aioredis.Redis,
    serve: Serve,
) -> AsyncIterator[Place]:
    """Serve a house in which one other user lives, or a hundred."""
    await run(busy_database, PEOPLE, number=request.param)
    server = await serve(replace(busy_settings, service_token=TOKEN), None)
    alice = client_of(server)
    form = {"username": "alice", "email": "alice@example.org", "password": "open sesame 42"}
    names = {"first_name": "Alice", "second_name": "Liddell"}
    assert (await alice.post(USERS, json=form | names)).status == 201
    assert (await sign_in(alice, "alice", form["password"])).status == 200
    await run(busy_database, FRIENDSHIPS)
    yield Place(server, alice, redis, request.param)
    await alice.close()


async def patch(place: Place) -> ClientResponse:
    """Change the own first name."""
    return await place.alice.patch(ME, json={"first_name": "Alicia"})


async def patch_nothing(place: Place) -> ClientResponse:
    """Change nothing of one's own."""
    return await place.alice.patch(ME, json={})


MISS = "get_user, miss"
LISTS = {"list", "cards", "cards for a service", "friends"}
COSTS: dict[str, tuple[Act, int, int]] = {  # what is done, SQL statements, round trips
    "get_user, hit": (lambda place: place.get(f"{USERS}/1001"), 0, 1),
    MISS: (lambda place: place.get(f"{USERS}/1001"), 1, 2),
    "own user": (lambda place: place.get(ME), 1, 1),
    "change": (patch, 2, 3),
    "change of nothing": (patch_nothing, 1, 3),
    "list": (lambda place: place.get(f"{USERS}?size=100"), 2, 1),
    "cards": (lambda place: place.get(f"{USERS}/cards?ids={place.ids}"), 1, 1),
    "cards for a service": (
        lambda place: place.get(f"{USERS}/cards?ids={place.ids}", headers=SERVICE),
        *(1, 0),
    ),
    "exists": (lambda place: place.get(f"{USERS}/1001/exists"), 1, 1),
    "friends": (lambda place: place.get(f"{FRIENDS}?size=100"), 3, 1),
}


class TestCost:
    async def test_is_the_same_for_one_row_and_a_hundred(self, place: Place) -> None:
        found = {what: await place.cost(what) for what in COSTS}
        assert found == {what: (sql, packets) for what, (_, sql, packets) in COSTS.items()}
