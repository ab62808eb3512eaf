"""Several users at once, and whether there is one: for users and for services of ours."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest_asyncio
from aiohttp import ClientResponse
from yarl import URL

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.support.clients import Client, add_user, client_of, problem
from tests.users.forms import PUBLIC, USERS, me

TOKEN = "a token that only services know"
CARDS = f"{USERS}/cards"
NOBODY = 2**63 - 1
MOST = 100
GARBAGE = [
    *("", ",", "1,", ",1", "1,,2", "0", "-1", "1,0", "1;2", "1%202", "x", "1,x", "1.0"),
    *("%2B1", "1,%202", "1%2C", "%D9%A1", "1_0", "0x1", "1e3", "%00", "1%0A", "%FF"),
    *(str(2**63), "9" * 20, "9" * 5_000, "null", "[1]", "1,2,3,%EF%BC%91"),
]

SHOWN = {  # header -> what the cards, an existence, one user and the list answer
    f"Bearer {TOKEN}": [200, 204, 401, 401],
    f"bearer {TOKEN}": [200, 204, 401, 401],
    f"Bearer {TOKEN}x": [401] * 4,
    f"Bearer {TOKEN[:-1]}": [401] * 4,
    "Bearer ": [401] * 4,
    f"Basic {TOKEN}": [401] * 4,
    TOKEN: [401] * 4,
    "": [401] * 4,
}


async def ask(client: Client, ids: str) -> ClientResponse:
    """Ask for cards; the ids are sent as they are."""
    return await client.get(URL(f"{CARDS}?ids={ids}", encoded=True))


async def shown(client: Client, ids: Sequence[int]) -> list[int]:
    """Return whose cards are shown for these ids, in order."""
    response = await ask(client, ",".join(map(str, ids)))
    assert response.status == 200, await response.text()
    document = await response.json()
    assert document.keys() == {"items"}
    assert all(card.keys() == PUBLIC for card in document["items"])
    return [card["id"] for card in document["items"]]


@pytest_asyncio.fixture
async def people(house_database: Database) -> list[int]:
    """Add users; return their ids."""
    return [await add_user(house_database, f"user{number}") for number in range(5)]


@pytest_asyncio.fixture
async def gone(house_database: Database) -> int:
    """Add a user who has left; return the id."""
    return await add_user(house_database, "gone", deleted_at=datetime.now(UTC))


class TestCards:
    async def test_come_in_the_order_asked_for(self, alice: Client, people: list[int]) -> None:
        for wanted in (people, people[::-1], [people[3], people[0], people[4]]):
            assert await shown(alice, wanted) == wanted

    async def test_are_the_same_as_one_by_one(self, alice: Client, people: list[int]) -> None:
        document = await (await ask(alice, f"{people[1]},{people[0]}")).json()
        one_by_one = [
            await (await alice.get(f"{USERS}/{user_id}")).json()
            for user_id in (people[1], people[0])
        ]
        assert document["items"] == one_by_one

    async def test_of_the_missing_are_left_out(
        self, alice: Client, people: list[int], gone: int
    ) -> None:
        assert await shown(alice, [gone, people[1], NOBODY, people[0]]) == [people[1], people[0]]
        assert await shown(alice, [gone]) == []
        assert await shown(alice, [NOBODY]) == []

    async def test_come_once_however_often_they_are_named(
        self, alice: Client, people: list[int]
    ) -> None:
        named = [people[2], people[0], people[2], people[2], people[0]]
        assert await shown(alice, named) == [people[2], people[0]]
        assert await shown(alice, [people[0]] * MOST) == [people[0]]

    async def test_are_a_hundred_at_most(self, alice: Client, people: list[int]) -> None:
        many = [*range(NOBODY - MOST + len(people), NOBODY), *people]
        assert len(many) == MOST
        assert await shown(alice, many) == people
        for ids in ([*many, people[0]], [people[0]] * (MOST + 1), range(1, 1_500)):
            response = await ask(alice, ",".join(map(str, ids)))
            document = await problem(response, 422, "validation-failed")
            assert [error["parameter"] for error in document["errors"]] == ["ids"]

    async def test_are_not_for_garbage(self, alice: Client) -> None:
        for ids in GARBAGE:
            document = await problem(await ask(alice, ids), 422, "validation-failed")
            assert [error["parameter"] for error in document["errors"]] == ["ids"], ids

    async def test_need_one_list_of_ids_and_nothing_else(self, alice: Client) -> None:
        for query in ("", "?ids=1&ids=2", "?ids=1&x=1", "?id=1"):
            await problem(await alice.get(f"{CARDS}{query}"), 422, "validation-failed")

    async def test_take_an_encoded_comma(self, alice: Client, people: list[int]) -> None:
        response = await ask(alice, f"{people[0]}%2C{people[1]}")
        assert len((await response.json())["items"]) == 2

    async def test_show_nobodys_email(self, alice: Client) -> None:
        assert "@" not in await (await ask(alice, str((await me(alice))["id"]))).text()


class TestExistence:
    async def test_is_told_without_a_body(
        self, alice: Client, people: list[int], gone: int
    ) -> None:
        response = await alice.get(f"{USERS}/{people[0]}/exists")
        assert (response.status, await response.read()) == (204, b"")
        for user_id in (gone, NOBODY):
            response = await alice.get(f"{USERS}/{user_id}/exists")
            await problem(response, 404, "user-not-found")

    async def test_is_asked_by_an_id(self, alice: Client) -> None:
        for text in ("0", "-1", "01", "x", "1.0", str(2**63)):
            await problem(await alice.get(f"{USERS}/{text}/exists"), 404, "not-found")


class TestHead:
    async def test_answers_like_get_without_the_body(
        self, alice: Client, people: list[int], gone: int
    ) -> None:
        for path in (
            f"{CARDS}?ids={people[0]}",
            f"{CARDS}?ids=x",
            *(f"{USERS}/{user_id}/exists" for user_id in (people[0], gone, NOBODY)),
        ):
            get, head = await alice.get(path), await alice.head(path)
            assert (head.status, await head.read()) == (get.status, b"")
            varying = {"Date", "X-Request-ID"}
            assert {k: v for k, v in head.headers.items() if k not in varying} == {
                k: v for k, v in get.headers.items() if k not in varying
            }


class TestServices:
    async def test_come_in_by_their_token_alone(
        self,
        serve: Serve,
        settings: Settings,
        house_database: Database,
        people: list[int],
    ) -> None:
        server = await serve(replace(settings, service_token=TOKEN), house_database)
        paths = [f"{CARDS}?ids={people[0]}", f"{USERS}/{people[0]}/exists"]
        paths += [f"{USERS}/{people[0]}", USERS]
        async with client_of(server) as client:
            for header, statuses in SHOWN.items():
                answers = [
                    await client.get(path, headers={"Authorization": header}) for path in paths
                ]
                assert [answer.status for answer in answers] == statuses, header

    async def test_are_unknown_where_no_token_is_set(
        self, guest: Client, people: list[int]
    ) -> None:
        for header in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
            response = await guest.get(f"{CARDS}?ids=1", headers={"Authorization": header})
            await problem(response, 401, "not-signed-in")
