"""Who is a friend of both: found by one statement, shown by id."""

from kit.db import LARGEST_ID
from tests.friends.people import MUTUAL, Person, Town
from tests.friends.test_friend_lists import befriended
from tests.friends.test_friendships import NOBODY
from tests.support.clients import problem
from tests.support.shops import run
from tests.users.forms import PUBLIC, USERS

ALSO_FRIENDS = """
INSERT INTO friendships (initiator_id, target_id)
SELECT CASE WHEN id % 3 = 0 THEN id ELSE :me END, CASE WHEN id % 3 = 0 THEN :me ELSE id END
FROM unnest(CAST(:ids AS bigint[])) AS id
"""


async def shared(town: Town, one: Person, other: Person, number: int) -> list[int]:
    """Give two people the same new friends, in all four ways of asking; return their ids."""
    ids = await befriended(town, one, number)
    await run(town.friendships, ALSO_FRIENDS, me=other.id, ids=ids)
    return ids


class TestMutual:
    async def test_shows_the_public_users_that_are_friends_of_both(
        self, town: Town, anna: Person, boris: Person, clara: Person
    ) -> None:
        await befriended(town, anna, 3)
        await anna.friendship(clara.id)
        await clara.friendship(boris.id)
        card = await (await anna.users.get(f"{USERS}/{clara.id}")).json()
        assert card.keys() == PUBLIC
        expected = {"items": [card], "page": 1, "size": 20, "total": 1, "pages": 1}
        assert await anna.mutual(boris.id) == expected
        assert await boris.mutual(anna.id) == expected

    async def test_finds_them_whoever_asked_whom(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        ids = await shared(town, anna, boris, 12)
        found = await anna.mutual(boris.id)
        assert [card["id"] for card in found["items"]] == ids
        assert await boris.mutual(anna.id) == found

    async def test_leaves_out_the_two_themselves(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        await anna.friendship(boris.id)
        assert (await anna.mutual(boris.id))["items"] == []
        await boris.friendship(clara.id)
        assert (await anna.mutual(boris.id))["total"] == 0
        assert [card["id"] for card in (await anna.mutual(clara.id))["items"]] == [boris.id]

    async def test_with_oneself_are_all_ones_friends(self, town: Town, anna: Person) -> None:
        ids = await befriended(town, anna, 3)
        assert [card["id"] for card in (await anna.mutual(anna.id))["items"]] == ids

    async def test_leaves_out_who_has_left(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        await anna.friendship(clara.id)
        await boris.friendship(clara.id)
        await clara.leave()
        assert (await anna.mutual(boris.id))["items"] == []

    async def test_with_nobody_is_unknown(self, anna: Person, boris: Person) -> None:
        await boris.leave()
        for user_id in (NOBODY, LARGEST_ID, boris.id):
            response = await anna.friends.get(MUTUAL, params={"with": user_id})
            await problem(response, 404, "user-not-found")

    async def test_must_be_told_with_whom(self, anna: Person) -> None:
        for query in ("", "?with=", "?with=0", "?with=x", "?with=1&with=2", f"?with={2**63}"):
            response = await anna.friends.get(f"{MUTUAL}{query}")
            document = await problem(response, 422, "validation-failed")
            assert {error["parameter"] for error in document["errors"]} == {"with"}
        response = await anna.friends.get(f"{MUTUAL}?with=1&other_id=1")
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == ["other_id"]

    async def test_is_only_read(self, anna: Person) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = await anna.friends.request(method, f"{MUTUAL}?with=1")
            await problem(response, 405, "method-not-allowed")
            assert set(response.headers["Allow"].replace(" ", "").split(",")) >= {"GET", "HEAD"}


class TestPages:
    async def test_cut_the_list(self, town: Town, anna: Person, boris: Person) -> None:
        ids = await shared(town, anna, boris, 5)
        found = []
        for page in (1, 2, 3):
            document = await anna.mutual(boris.id, page=page, size=2)
            assert (document["total"], document["pages"], document["size"]) == (5, 3, 2)
            found += [card["id"] for card in document["items"]]
        assert found == ids

    async def test_go_on_past_the_end(self, town: Town, anna: Person, boris: Person) -> None:
        await shared(town, anna, boris, 3)
        for page in (3, 2**53 - 1):
            document = await anna.mutual(boris.id, page=page, size=2)
            assert (document["items"], document["total"], document["pages"]) == ([], 3, 2)

    async def test_hold_a_hundred(self, town: Town, anna: Person, boris: Person) -> None:
        ids = await shared(town, anna, boris, 101)
        document = await anna.mutual(boris.id, size=100)
        assert [card["id"] for card in document["items"]] == ids[:100]
        assert (document["total"], document["pages"]) == (101, 2)

    async def test_head_answers_like_get_without_the_body(
        self, anna: Person, boris: Person
    ) -> None:
        path = f"{MUTUAL}?with={boris.id}"
        head, get = await anna.friends.head(path), await anna.friends.get(path)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


class TestStatements:
    async def test_are_as_many_for_fifty_friends_as_for_one(
        self, town: Town, anna: Person, boris: Person, statements: list[str]
    ) -> None:
        counts = []
        for number in (1, 49):
            await shared(town, anna, boris, number)
            statements.clear()
            document = await anna.mutual(boris.id, size=100)
            counts.append((len(document["items"]), len(statements)))
        assert counts == [(1, 2), (50, 2)]  # a page with its total, who they are
