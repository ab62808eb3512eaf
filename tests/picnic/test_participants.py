"""Who comes to a picnic: in the order of registration, page by page, without who has left."""

from typing import Any

import pytest
import pytest_asyncio

from kit.db import Database
from tests.picnic.forms import (
    PICNICS,
    add_city,
    add_people,
    add_picnic,
    in_days,
    join,
    read,
)
from tests.support.clients import Client, problem
from tests.support.shops import run
from tests.users.forms import ME, PUBLIC, me
from tests.users.staffing import delete, restore

NOBODY = 2**63 - 1  # an id that no picnic has
SHOWN = 20  # beside a picnic


def participants(picnic_id: object) -> str:
    """Return where one sees who comes."""
    return f"{PICNICS}/{picnic_id}/participants"


def ids(document: dict[str, Any], name: str = "items") -> list[int]:
    """Return the ids of the people in a document."""
    return [person["id"] for person in document[name]]


@pytest_asyncio.fixture
async def people(house_database: Database) -> list[int]:
    """Add more people than are shown beside a picnic, in an order that their ids do not have."""
    added = await add_people(house_database, SHOWN + 5)
    return added[1::2] + added[::2]


@pytest_asyncio.fixture
async def picnic(house_database: Database, people: list[int]) -> int:
    """Plan a picnic, beside others, to which all of them come."""
    city_id = await add_city(house_database)
    others = [await add_picnic(house_database, city_id, people[0], in_days(1)) for _ in range(2)]
    picnic_id = await add_picnic(house_database, city_id, people[0], in_days(1))
    await join(house_database, others[0], *people[3:6])
    await join(house_database, picnic_id, *people)
    await join(house_database, others[1], *people[:2])
    return picnic_id


class TestGet:
    async def test_shows_guests_what_is_public(self, guest: Client, picnic: int) -> None:
        response = await guest.get(participants(picnic))
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        document = await response.json()
        assert all(person.keys() == PUBLIC for person in document["items"])

    async def test_follows_the_order_of_registration(
        self, guest: Client, picnic: int, people: list[int]
    ) -> None:
        whole = await read(guest, participants(picnic), size=100)
        assert (ids(whole), whole["total"], whole["pages"]) == (people, SHOWN + 5, 1)

    async def test_is_turned_page_by_page(
        self, guest: Client, picnic: int, people: list[int]
    ) -> None:
        pages = [await read(guest, participants(picnic), size=7, page=n) for n in range(1, 6)]
        assert [person for page in pages for person in ids(page)] == people
        assert [len(page["items"]) for page in pages] == [7, 7, 7, 4, 0]
        assert {(page["total"], page["pages"], page["size"]) for page in pages} == {(25, 4, 7)}
        response = await guest.get(participants(picnic), params={"size": "7", "page": "2"})
        found = {str(rel): link["url"] for rel, link in response.links.items()}
        assert {rel: str(url).partition("page=")[2][0] for rel, url in found.items()} == {
            "first": "1",
            "prev": "1",
            "next": "3",
            "last": "4",
        }

    async def test_counts_who_has_left_and_does_not_show_him(
        self, guest: Client, staff: Client, picnic: int, people: list[int]
    ) -> None:
        gone = people[2]
        await delete(staff, gone)
        left = await read(guest, participants(picnic), size=100)
        assert ids(left) == [person for person in people if person != gone]
        assert left["total"] == len(people)
        beside = await read(guest, f"{PICNICS}/{picnic}")
        assert ids(beside, "participants") == [p for p in people[:SHOWN] if p != gone]
        assert beside["participants_total"] == len(people)
        await restore(staff, gone)
        assert ids(await read(guest, participants(picnic), size=100)) == people

    async def test_has_nobody_left_at_a_page_of_those_who_left(
        self, guest: Client, house_database: Database, picnic: int
    ) -> None:
        await run(house_database, "UPDATE users SET deleted_at = now()")
        whole = await read(guest, participants(picnic))
        assert (whole["items"], whole["total"]) == ([], SHOWN + 5)
        listed = await read(guest, PICNICS)
        assert [ids(one, "participants") for one in listed["items"]] == [[], [], []]
        assert [one["participants_total"] for one in listed["items"]] == [3, 2, 25]

    async def test_forgets_who_deletes_himself(
        self, guest: Client, alice: Client, picnic: int
    ) -> None:
        alice_id = (await me(alice))["id"]
        assert (await alice.post(f"{PICNICS}/{picnic}/registrations")).status == 201
        assert ids(await read(guest, participants(picnic), size=100))[-1] == alice_id
        assert (await alice.delete(ME)).status == 204
        assert alice_id not in ids(await read(guest, participants(picnic), size=100))

    async def test_shows_the_first_beside_the_picnic_and_counts_all(
        self, guest: Client, picnic: int, people: list[int]
    ) -> None:
        one = await read(guest, f"{PICNICS}/{picnic}")
        assert (ids(one, "participants"), one["participants_total"]) == (people[:SHOWN], 25)
        assert all(person.keys() == PUBLIC for person in one["participants"])
        listed = {row["id"]: row for row in (await read(guest, PICNICS))["items"]}
        assert listed[picnic] == one
        assert [row["participants_total"] for row in listed.values()] == [3, 2, 25]

    async def test_lets_who_leaves_go_and_puts_who_returns_at_the_end(
        self, guest: Client, alice: Client, bob: Client, picnic: int, people: list[int]
    ) -> None:
        alice_id, bob_id = (await me(alice))["id"], (await me(bob))["id"]
        joining = f"{PICNICS}/{picnic}/registrations"
        for client in (alice, bob):
            assert (await client.post(joining)).status == 201
        assert (await alice.delete(f"{joining}/me")).status == 204
        assert (await alice.post(joining)).status == 201
        whole = await read(guest, participants(picnic), size=100)
        assert ids(whole) == [*people, bob_id, alice_id]

    async def test_is_empty_where_nobody_comes(
        self, guest: Client, house_database: Database, people: list[int]
    ) -> None:
        city_id = await add_city(house_database)
        picnic_id = await add_picnic(house_database, city_id, people[0], in_days(-1))
        assert await read(guest, participants(picnic_id)) == {
            "items": [],
            "page": 1,
            "size": 20,
            "total": 0,
            "pages": 0,
        }

    @pytest.mark.parametrize("query", ["page=0", "size=101", "size=x", "q=a", "page=1&page=2"])
    async def test_refuses_a_strange_query(self, guest: Client, picnic: int, query: str) -> None:
        response = await guest.get(f"{participants(picnic)}?{query}")
        await problem(response, 422, "validation-failed")

    async def test_refuses_a_picnic_that_is_not(self, guest: Client) -> None:
        await problem(await guest.get(participants(NOBODY)), 404, "picnic-not-found")
        await problem(await guest.get(participants(2**63)), 404, "not-found")


class TestHead:
    async def test_answers_like_get_without_the_body(self, guest: Client, picnic: int) -> None:
        path = f"{participants(picnic)}?size=7&page=2"
        get, head = await guest.get(path), await guest.head(path)
        assert (head.status, await head.read()) == (200, b"")
        for name in ("Link", "Content-Length", "Content-Type", "Cache-Control"):
            assert head.headers[name] == get.headers[name]
        assert (await guest.head(participants(NOBODY))).status == 404
