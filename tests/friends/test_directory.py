"""One contract for both directories: who lives is known, who is gone was never there."""

import pytest

from friends.directory import DIRECTORY, Directory, HttpDirectory
from kit.db import LARGEST_ID
from tests.friends.people import Town
from tests.friends.test_friendships import NOBODY
from tests.support.shops import rows, run
from users.public import Directory as Neighbour

ASKED = {"neighbour": 1, "microservice": 3}  # questions for 250 cards
LONGEST = "\x01" * 99 + "a"  # one hundred characters of which JSON makes 595


@pytest.fixture
def directory(town: Town) -> Directory:
    """Give what the friends of this set-up ask."""
    return town.friends.app[DIRECTORY]


async def delete(town: Town, user_id: int) -> None:
    """Delete a user softly."""
    await run(town.people, "UPDATE users SET deleted_at = now() WHERE id = :id", id=user_id)


class TestKind:
    async def test_is_the_one_of_the_set_up(
        self, directory: Directory, request: pytest.FixtureRequest
    ) -> None:
        kinds = {"neighbour": Neighbour, "microservice": HttpDirectory}
        name = request.node.callspec.params["town"]
        assert isinstance(directory, kinds[name])


class TestExists:
    async def test_knows_who_lives(self, town: Town, directory: Directory) -> None:
        user_id = await town.add("dora")
        assert await directory.exists(user_id) is True
        await delete(town, user_id)
        assert await directory.exists(user_id) is False

    async def test_knows_nobody_else(self, directory: Directory) -> None:
        for user_id in (NOBODY, LARGEST_ID):
            assert await directory.exists(user_id) is False


class TestCards:
    async def test_hold_what_everybody_may_see(self, town: Town, directory: Directory) -> None:
        user_id = await town.add("dora", first_name="Дора", second_name='"<>\\\u2028')
        columns = "id, username, first_name, second_name, birthday, created_at"
        (row,) = await rows(town.people, f"SELECT {columns} FROM users")
        assert await directory.cards([user_id]) == {user_id: {**row, "age": None}}

    async def test_leave_out_who_is_gone_or_never_was(
        self, town: Town, directory: Directory
    ) -> None:
        here, gone = await town.add_many(2)
        await delete(town, gone)
        assert (await directory.cards([gone, here, NOBODY, LARGEST_ID])).keys() == {here}
        assert await directory.cards([gone, NOBODY]) == {}

    async def test_of_no_one_are_none(self, directory: Directory) -> None:
        assert await directory.cards([]) == {}

    async def test_do_not_mind_who_is_named_twice(self, town: Town, directory: Directory) -> None:
        one, other = await town.add_many(2)
        found = await directory.cards([one, other, one] * 50)
        assert found == await directory.cards([other, one])
        assert found.keys() == {one, other}

    async def test_of_many_need_few_questions(
        self,
        town: Town,
        directory: Directory,
        statements: list[str],
        request: pytest.FixtureRequest,
    ) -> None:
        ids = await town.add_many(250)
        statements.clear()
        found = await directory.cards(ids[::-1])
        assert found.keys() == set(ids)
        assert all(card["id"] == user_id for user_id, card in found.items())
        assert len(statements) == ASKED[request.node.callspec.params["town"]]

    async def test_of_a_hundred_with_the_longest_names_fit(
        self, town: Town, directory: Directory
    ) -> None:
        ids = await town.add_many(100, first_name=LONGEST, second_name="🐙" * 100)
        found = await directory.cards(ids)
        assert {card["first_name"] for card in found.values()} == {LONGEST}
        assert len(found) == 100


class TestBoth:
    async def test_tell_the_same(self, microservice: Town) -> None:
        near: Directory = Neighbour(lambda: microservice.people)
        far = microservice.friends.app[DIRECTORY]
        ids = await microservice.add_many(120)
        born = "UPDATE users SET birthday = DATE '1896-02-29' + id::int % 40000"
        await run(microservice.people, f"{born} WHERE id % 3 = 0")
        await delete(microservice, ids[7])
        asked = [*ids, NOBODY]
        assert await near.cards(asked) == await far.cards(asked)
        assert len(await far.cards(asked)) == 119
        for user_id in (ids[0], ids[7], NOBODY):
            assert await near.exists(user_id) == await far.exists(user_id)
