"""Promise 20 for pairs: whoever asks whom at once, there is one row; without the index, two."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import RowMapping, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import monolith
from friends import repository
from friends.entities import PAIR, Friendship
from friends.errors import AlreadyFriends
from kit.db import Database, database
from kit.engine import create_engine
from kit.settings import Settings
from tests.conftest import Fresh
from tests.friends.people import Open, Person, Town, friends_alone, users_alone
from tests.friends.test_friendships import COUNT
from tests.support.clients import problem
from tests.support.shops import run, value

pytestmark = pytest.mark.concurrent

ROUNDS = 50
AT_ONCE = 2  # requests in each direction
BOUND = 5.0  # seconds


@pytest_asyncio.fixture
async def neighbour(
    open_door: Open, busy_settings: Settings, busy_database: Database
) -> AsyncIterator[Town]:
    """Serve the whole house with a real pool of connections."""
    house = await open_door(monolith.create_app(busy_settings))
    town = Town(house, house, busy_database, busy_database)
    yield town
    await town.close()


@pytest_asyncio.fixture
async def microservice(
    open_door: Open, fresh_database: Fresh, busy_settings: Settings, busy_database: Database
) -> AsyncIterator[Town]:
    """Serve users and friends, each with a real pool of connections to its own database."""
    people = await fresh_database()
    engine = create_engine(people)
    users = await open_door(users_alone(people))
    door = await open_door(friends_alone(busy_settings, users.make_url("")))
    town = Town(users, door, database(engine), busy_database)
    yield town
    await town.close()
    await engine.dispose()


async def race(anna: Person, boris: Person, at_once: int) -> Counter[int]:
    """Let both ask each other so many times at once; return how often each status came."""
    asked = [
        asking.befriend(asked.id)
        for _ in range(at_once)
        for asking, asked in ((anna, boris), (boris, anna))
    ]
    responses = await asyncio.gather(*asked)
    for response in responses:
        if response.status != 201:
            await problem(response, 409, "already-friends")
    return Counter(response.status for response in responses)


def look_first(meeting: asyncio.Barrier) -> object:
    """Return an insert that first looks whether there is such a pair, all at the same time."""
    genuine = repository.add_friendship

    async def add_friendship(
        session: AsyncSession, initiator_id: int, target_id: int, tag: str
    ) -> RowMapping:
        pair = sorted((initiator_id, target_id))
        same = (func.least(*PAIR) == pair[0], func.greatest(*PAIR) == pair[1])
        if (await session.execute(select(Friendship.id).where(*same))).first():
            raise AlreadyFriends
        async with asyncio.timeout(BOUND):
            await meeting.wait()
        return await genuine(session, initiator_id, target_id, tag)

    return add_friendship


class TestPairs:
    async def test_are_made_once_in_fifty_races(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        winners = Counter[int]()
        for number in range(ROUNDS):
            assert await race(anna, boris, AT_ONCE) == {201: 1, 409: 2 * AT_ONCE - 1}, number
            winners[await value(town.friendships, "SELECT initiator_id FROM friendships")] += 1
            await run(town.friendships, "DELETE FROM friendships")
        assert winners.total() == ROUNDS

    async def test_are_made_twice_by_a_look_without_the_index(
        self, town: Town, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await run(town.friendships, "DROP INDEX uq_friendships_pair")
        monkeypatch.setattr(repository, "add_friendship", look_first(asyncio.Barrier(2)))
        assert await race(anna, boris, 1) == {201: 2}
        assert await value(town.friendships, COUNT) == 2

    async def test_are_kept_apart_by_the_index_alone(
        self, town: Town, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(repository, "add_friendship", look_first(asyncio.Barrier(2)))
        assert await race(anna, boris, 1) == {201: 1, 409: 1}
        assert await value(town.friendships, COUNT) == 1

    async def test_end_once_when_both_end_them_at_once(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        for _ in range(10):
            path = f"/api/v1/friends/{(await anna.friendship(boris.id))['id']}"
            ends = [person.friends.delete(path) for person in (anna, boris) * AT_ONCE]
            statuses = Counter(end.status for end in await asyncio.gather(*ends))
            assert statuses == {204: 1, 404: 2 * AT_ONCE - 1}


class TestTable:
    @pytest.mark.parametrize(
        ("pairs", "constraint"),
        [
            ([(7, 7)], "ck_friendships_two_people"),
            ([(7, 8), (7, 8)], "uq_friendships_pair"),
            ([(7, 8), (8, 7)], "uq_friendships_pair"),
        ],
    )
    async def test_is_the_last_guard(
        self, house_database: Database, pairs: list[tuple[int, int]], constraint: str
    ) -> None:
        statement = "INSERT INTO friendships (initiator_id, target_id) VALUES (:one, :other)"
        *good, (one, other) = pairs
        for pair in good:
            await run(house_database, statement, one=pair[0], other=pair[1])
        with pytest.raises(IntegrityError, match=constraint):
            await run(house_database, statement, one=one, other=other)
