"""Applications, newest first: by page, by cursor and by name."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from yarl import URL

from applications.entities import Application
from kit.db import Database
from tests.shop.test_order_history import NAMES
from tests.support.clients import Client, problem
from tests.support.keys import APPLICATIONS, BARE, application

FIRST, MICROSECOND = datetime(2026, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


async def add(database: Database, *names: str) -> list[int]:
    """Insert applications, two at each moment; return their ids, the newest first."""
    values = [
        {"user_name": name, "description": "x", "created_at": FIRST + n // 2 * MICROSECOND}
        for n, name in enumerate(names)
    ]
    async with database.writing() as session:
        statement = insert(Application).values(values).returning(Application.id)
        return sorted((await session.execute(statement)).scalars(), reverse=True)


async def listed(client: Client, **query: object) -> Any:
    """Return one page."""
    texts = {name: str(text) for name, text in query.items()}
    response = await client.get(APPLICATIONS, params=texts)
    assert response.status == 200, await response.text()
    return await response.json()


def ids(page: Any) -> list[int]:
    """Return the ids on a page."""
    return [item["id"] for item in page["items"]]


class TestList:
    async def test_is_empty_at_first(self, guest: Client) -> None:
        document = await (await guest.get(APPLICATIONS)).json()
        assert document.keys() == NAMES
        assert (document["items"], document["total"], document["pages"]) == ([], 0, 0)
        assert document["next_cursor"] is None

    async def test_is_newest_first_also_among_those_of_one_moment(
        self, guest: Client, house_database: Database
    ) -> None:
        made = await add(house_database, *"abcde")
        assert ids(await listed(guest)) == made
        assert ids(await (await guest.get(BARE)).json()) == made

    @pytest.mark.parametrize("path", [APPLICATIONS, BARE])
    async def test_shows_each_as_it_was_answered(self, guest: Client, path: str) -> None:
        sent = [
            await (await guest.post(path, json=application(user_name=name))).json()
            for name in ("Анна", "e\u0301 \u00e9 🐙", "\\ % _ \" ' <b>")
        ]
        response = await guest.get(path)
        assert (await response.json())["items"] == sent[::-1]

    async def test_has_pages_that_lead_to_one_another(
        self, guest: Client, house_database: Database
    ) -> None:
        made = await add(house_database, *"abcdefg")
        response = await guest.get(APPLICATIONS, params={"page": 2, "size": 3})
        document = await response.json()
        assert (document["page"], document["total"], document["pages"]) == (2, 7, 3)
        found = {}
        for rel, link in response.links.items():
            address = URL(link["url"]).path_qs
            found[rel] = [
                item["id"] for item in (await (await guest.get(address)).json())["items"]
            ]
        pages = {"first": made[:3], "prev": made[:3], "next": made[6:], "last": made[6:]}
        assert found == pages

    async def test_is_empty_past_its_end(self, guest: Client, house_database: Database) -> None:
        await add(house_database, *"abc")
        for page in (2, 1000, 2**53 - 1):
            response = await guest.get(APPLICATIONS, params={"page": page, "size": 100})
            document = await response.json()
            assert (response.status, document["items"], document["total"]) == (200, [], 3)
            assert document["next_cursor"] is None
            assert "next" not in response.links

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            *[(f"page={n}", "page") for n in ("0", "-1", "1.0", "x", "", "%D9%A2", "1_0", 2**53)],
            *[(f"size={n}", "size") for n in ("0", "101", "x", "")],
            *[(f"user_name={text}", "user_name") for text in ("", "n" * 151, "%00", "%ff")],
            ("user_name=a&user_name=a", "user_name"),
            ("page=1&page=1", "page"),
            ("q=x", "q"),
        ],
    )
    async def test_refuses_bad_parameters(self, guest: Client, query: str, parameter: str) -> None:
        response = await guest.get(URL(f"{APPLICATIONS}?{query}", encoded=True))
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == [parameter]


def neighbours(name: str) -> set[str]:
    """Return names that a sloppy filter would take for this one."""
    normalised = {unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC")}
    spelled = {name.upper(), name.lower(), name.swapcase(), name.strip(), name + " ", " " + name}
    wild = {name.replace("%", "xx"), name.replace("_", "x"), name.replace("\\", "")}
    return {n for n in normalised | spelled | wild | {name * 2, name[:-1] + "?"} if n.strip()}


class TestFilter:
    @pytest.mark.parametrize(
        "name",
        [
            *("Anna", "anna", " Anna ", "Анна", "Ёж", "🐙", "#", "a+b", "a&b=c", "'--"),
            *("%", "a%", "_", "a_b", "\\", "a\\b", "\\%", "é", "e\u0301", "ﬁ", "ẞ", "ß"),
        ],
    )
    async def test_is_exact(self, guest: Client, house_database: Database, name: str) -> None:
        others = neighbours(name) - {name}
        made = await add(house_database, name, *others, name)
        assert ids(await listed(guest, user_name=name)) == [made[0], made[-1]]
        document = await (await guest.get(BARE, params={"user_name": name})).json()
        assert (document["total"], document["items"][0]["user_name"]) == (2, name)

    async def test_stays_on_the_way_through_the_pages(
        self, guest: Client, house_database: Database
    ) -> None:
        name = "100% & a+b_ \\ Анна e\u0301"
        made = (await add(house_database, *[name, "other"] * 5))[1::2]
        response = await guest.get(APPLICATIONS, params={"user_name": name, "size": 2})
        found = [item["id"] for item in (await response.json())["items"]]
        while "next" in response.links:
            response = await guest.get(URL(response.links["next"]["url"]).path_qs)
            found += [item["id"] for item in (await response.json())["items"]]
        assert found == made
