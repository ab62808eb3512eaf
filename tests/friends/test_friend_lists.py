"""Whose friends somebody is: both directions, newest first, page by page."""

from yarl import URL

from kit.db import LARGEST_ID
from tests.friends.people import FRIENDS, Person, Town
from tests.friends.test_friendships import NOBODY
from tests.support.clients import problem
from tests.support.shops import run
from tests.users.forms import PUBLIC, USERS

BEFRIEND_ALL = """
INSERT INTO friendships (initiator_id, target_id)
SELECT CASE WHEN id % 2 = 0 THEN id ELSE :me END, CASE WHEN id % 2 = 0 THEN :me ELSE id END
FROM unnest(CAST(:ids AS bigint[])) AS id
"""


async def befriended(town: Town, person: Person, number: int) -> list[int]:
    """Give a person that many new friends, every other of whom asked; return their ids."""
    ids = await town.add_many(number)
    await run(town.friendships, BEFRIEND_ALL, me=person.id, ids=ids)
    return ids


class TestList:
    async def test_shows_both_directions_with_the_friend_of_each(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        first = await anna.friendship(boris.id, tag="asked")
        second = await clara.friendship(anna.id, tag="was asked")
        await boris.friendship(clara.id)
        cards = {
            friend.id: await (await anna.users.get(f"{USERS}/{friend.id}")).json()
            for friend in (boris, clara)
        }
        assert cards[boris.id].keys() == PUBLIC
        assert await anna.page() == {
            "items": [{**second, "friend": cards[clara.id]}, {**first, "friend": cards[boris.id]}],
            "page": 1,
            "size": 20,
            "total": 2,
            "pages": 1,
        }

    async def test_is_empty_at_first(self, anna: Person) -> None:
        document = await anna.page()
        assert (document["items"], document["total"], document["pages"]) == ([], 0, 0)

    async def test_shows_birthday_and_age(self, town: Town, anna: Person) -> None:
        staff = await town.enter("sam", is_staff=True)
        born = {"birthday": "1990-02-03"}
        assert (await staff.users.patch(f"{USERS}/me", json=born)).status == 200
        await anna.friendship(staff.id)
        (item,) = (await anna.page())["items"]
        assert item["friend"]["birthday"] == "1990-02-03"
        assert item["friend"]["age"] >= 36
        assert item["friend"].keys() == PUBLIC

    async def test_shows_the_friends_of_another_to_anybody(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        made = await anna.friendship(boris.id)
        for who, friend in ((anna, boris), (boris, anna)):
            (item,) = (await clara.page(user_id=who.id))["items"]
            assert (item["id"], item["friend"]["id"]) == (made["id"], friend.id)
        assert (await clara.page(user_id=clara.id))["items"] == []

    async def test_knows_no_friends_of_nobody(self, anna: Person, boris: Person) -> None:
        await anna.friendship(boris.id)
        await boris.leave()
        for user_id in (NOBODY, LARGEST_ID, boris.id):
            response = await anna.friends.get(FRIENDS, params={"user_id": user_id})
            await problem(response, 404, "user-not-found")

    async def test_keeps_the_friendship_with_someone_who_left(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        made = await boris.friendship(anna.id)
        await anna.friendship(clara.id)
        await boris.leave()
        _, item = (await anna.page())["items"]
        assert item == {**made, "friend": None}

    async def test_shows_what_a_friend_has_changed(self, anna: Person, boris: Person) -> None:
        await anna.friendship(boris.id)
        await anna.page()
        renamed = await boris.users.patch(f"{USERS}/me", json={"first_name": "Борис"})
        assert renamed.status == 200
        (item,) = (await anna.page())["items"]
        assert item["friend"]["first_name"] == "Борис"

    async def test_names_the_parameter_that_does_not_fit(self, anna: Person) -> None:
        wrong = ["user_id=0", "user_id=-1", "user_id=x", "user_id=", "user_id=" + "9" * 19]
        wrong += ["page=0", "size=0", "size=101", "cursor=x", "q=x", "page=1&page=2"]
        for query in wrong:
            response = await anna.friends.get(f"{FRIENDS}?{query}")
            document = await problem(response, 422, "validation-failed")
            named = {error["parameter"] for error in document["errors"]}
            assert named == {query.partition("=")[0]}

    async def test_is_closed_to_guests(self, town: Town) -> None:
        for path in (FRIENDS, f"{FRIENDS}/mutual?with=1", f"{FRIENDS}/1"):
            await problem(await town.visit().get(path), 401, "not-signed-in")
            assert (await town.visit().head(path)).status == 401


class TestPages:
    async def test_cut_the_list_newest_first(self, town: Town, anna: Person) -> None:
        ids = await befriended(town, anna, 5)
        found = []
        for page in (1, 2, 3):
            document = await anna.page(page=page, size=2)
            assert (document["total"], document["pages"], document["size"]) == (5, 3, 2)
            found.append([item["friend"]["id"] for item in document["items"]])
        assert found == [ids[:2:-1], ids[2:0:-1], ids[:1]]

    async def test_go_on_past_the_end(self, town: Town, anna: Person) -> None:
        await befriended(town, anna, 3)
        for page in (3, 2**53 - 1):
            document = await anna.page(page=page, size=2)
            assert (document["items"], document["total"], document["pages"]) == ([], 3, 2)

    async def test_are_linked(self, town: Town, anna: Person, boris: Person) -> None:
        await befriended(town, anna, 5)
        response = await boris.friends.get(f"{FRIENDS}?user_id={anna.id}&page=2&size=2")
        links = {str(rel): URL(str(link["url"])) for rel, link in response.links.items()}
        assert {rel: url.query["page"] for rel, url in links.items()} == {
            "first": "1",
            "prev": "1",
            "next": "3",
            "last": "3",
        }
        assert {(url.path, url.query["user_id"], url.query["size"]) for url in links.values()} == {
            (FRIENDS, str(anna.id), "2")
        }

    async def test_hold_a_hundred_of_another_user(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        ids = await befriended(town, anna, 101)
        items = (await boris.page(user_id=anna.id, size=100))["items"]
        assert [item["friend"]["id"] for item in items] == ids[:0:-1]

    async def test_head_answers_like_get_without_the_body(self, town: Town, anna: Person) -> None:
        await befriended(town, anna, 1)
        head, get = await anna.friends.head(FRIENDS), await anna.friends.get(FRIENDS)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Link"] == get.headers["Link"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
        assert get.headers["Cache-Control"] == "no-store"


class TestStatements:
    async def test_are_as_many_for_fifty_friends_as_for_one(
        self, town: Town, anna: Person, statements: list[str]
    ) -> None:
        counts = []
        for number in (1, 49):
            await befriended(town, anna, number)
            statements.clear()
            document = await anna.page(size=100)
            counts.append((len(document["items"]), len(statements)))
        assert counts == [(1, 3), (50, 3)]  # a page, how many there are, who they are
