"""The list of users: by name, by age, by page."""

from datetime import UTC, datetime
from typing import Any

import pytest
from yarl import URL

from kit.db import Database
from tests.support.clients import Client, add_user, problem
from tests.users.forms import PUBLIC, USERS, me

BAD = [
    *[(f"page={n}", "page") for n in ("0", "-1", "1.0", "x", "", "%D9%A2", 2**53)],
    *[(f"size={n}", "size") for n in ("0", "101", "x", "")],
    *[(f"q={text}", "q") for text in ("n" * 101, "%00", "%ff")],
    *[(f"min_age={n}", "min_age") for n in ("-1", "151", "x", "", "1.0", "%D9%A2")],
    *[(f"max_age={n}", "max_age") for n in ("-1", "151", "x", "", "1.0", "1e1")],
    *[("min_age=31&max_age=30", "max_age"), ("min_age=150&max_age=0", "max_age")],
    *[("min_age=1&min_age=1", "min_age"), ("email=a", "email"), ("deleted=true", "deleted")],
]
AS_THEY_ARE = [  # what is looked for, a name that holds it, one that does not
    *[("%", "50% off", "50 off"), ("a%c", "xa%cx", "abc"), ("%%", "a%%b", "a%b")],
    *[("_", "snake_case", "snakecase"), ("a_c", "a_c", "abc"), ("__", "a__b", "a_b")],
    *[("\\", "back\\slash", "backslash"), ("\\\\", "a\\\\b", "a\\b")],
    *[("\\%", "a\\%b", "a%b"), ("%\\", "a%\\b", "a%b"), ("a\\", "a\\", "a")],
    *[("'", "O'Neill", "ONeill"), ("' OR 1=1 --", "x' or 1=1 --", "x"), ('"', 'a"b', "ab")],
    *[(".*", "a.*b", "aab"), ("[a-z]", "[A-Z]", "abc"), ("^", "^", "a"), ("$1", "$1", "$")],
]


async def listed(client: Client, **query: object) -> Any:
    """Return one page."""
    params = {name: str(value) for name, value in query.items()}
    response = await client.get(USERS, params=params)
    assert response.status == 200, await response.text()
    return await response.json()


async def found(client: Client, q: str) -> set[str]:
    """Return the usernames that a search finds."""
    return {item["username"] for item in (await listed(client, q=q, size=100))["items"]}


async def add_named(database: Database, *names: tuple[str, str, str]) -> None:
    """Add users by username, first and second name."""
    for username, first, second in names:
        await add_user(database, username, first_name=first, second_name=second)


class TestList:
    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.get(USERS), 401, "not-signed-in")
        assert (await guest.head(USERS)).status == 401

    async def test_shows_what_is_public_by_id(
        self, alice: Client, bob: Client, house_database: Database
    ) -> None:
        await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        page = await listed(alice)
        own = [await me(alice), await me(bob)]
        assert page["items"] == [{name: user[name] for name in PUBLIC} for user in own]
        assert page.keys() == {"items", "page", "size", "total", "pages"}
        assert (page["page"], page["size"], page["total"], page["pages"]) == (1, 20, 2, 1)
        response = await alice.get(USERS)
        assert "@" not in await response.text()
        assert response.headers["Cache-Control"] == "no-store"

    async def test_has_pages_that_lead_to_one_another(
        self, alice: Client, house_database: Database
    ) -> None:
        made = [await add_user(house_database, f"user{n}") for n in range(6)]
        ids = [(await me(alice))["id"], *made]
        response = await alice.get(USERS, params={"page": "2", "size": "3"})
        document = await response.json()
        assert (document["total"], document["pages"]) == (7, 3)
        assert [item["id"] for item in document["items"]] == ids[3:6]
        pages = {}
        for rel, link in response.links.items():
            page = await (await alice.get(URL(link["url"]).path_qs)).json()
            pages[rel] = [item["id"] for item in page["items"]]
        assert pages == {"first": ids[:3], "prev": ids[:3], "next": ids[6:], "last": ids[6:]}

    async def test_keeps_its_filters_in_its_links(
        self, alice: Client, house_database: Database
    ) -> None:
        names = [f"100% a+b_{n} & \\ Анна" for n in range(3)]
        for number, name in enumerate(names):
            await add_user(house_database, f"user{number}", first_name=name)
        response = await alice.get(USERS, params={"q": "% A+B_", "size": "1"})
        seen = (await response.json())["items"]
        while "next" in response.links:
            response = await alice.get(URL(response.links["next"]["url"]).path_qs)
            seen += (await response.json())["items"]
        assert [item["first_name"] for item in seen] == names

    async def test_is_empty_past_its_end(self, alice: Client) -> None:
        for page in (2, 1_000, 2**53 - 1):
            response = await alice.get(USERS, params={"page": str(page), "size": "100"})
            document = await response.json()
            assert (response.status, document["items"], document["total"]) == (200, [], 1)
            assert "next" not in response.links

    async def test_answers_head_like_get(self, alice: Client) -> None:
        for query in ("", "?size=1&q=a", "?page=0"):
            get, head = await alice.get(USERS + query), await alice.head(USERS + query)
            assert (head.status, await head.read()) == (get.status, b"")
            assert head.headers.get("Link") == get.headers.get("Link")
            assert head.headers["Content-Length"] == get.headers["Content-Length"]

    async def test_refuses_bad_parameters(self, alice: Client) -> None:
        for query, parameter in BAD:
            response = await alice.get(URL(f"{USERS}?{query}", encoded=True))
            document = await problem(response, 422, "validation-failed")
            assert [error["parameter"] for error in document["errors"]] == [parameter], query


class TestSearch:
    @pytest.mark.parametrize("q", ["bramble", "BRAMBLE", "rAmB", "amble", "b", "%62ramble"])
    async def test_finds_a_part_of_each_name_in_any_case(
        self, alice: Client, house_database: Database, q: str
    ) -> None:
        named = [("x-bramble-x", "Xx", "Xx"), ("yyy", "Bramble", "Yy"), ("zzz", "Zz", "McBramble")]
        await add_named(house_database, *named, ("none", "No", "No"))
        response = await alice.get(URL(f"{USERS}?q={q}", encoded=True))
        names = {item["username"] for item in (await response.json())["items"]}
        assert names == {"x-bramble-x", "yyy", "zzz"}

    @pytest.mark.parametrize(
        ("name", "parts"),
        [
            ("Алексей", ["алексей", "АЛЕКСЕЙ", "ЛЕКс", "ей"]),
            ("Ёжиков-Щукин", ["ёжик", "ЁЖИК", "в-щ", "Щ"]),
            ("Ірина Їжак", ["ІРИНА", "їжак", "ЇЖ"]),
            ("Émile Ångström", ["émile", "ÉMILE", "ÅNG", "STRÖM"]),
            ("Ωμέγα", ["ωμ", "ΩΜΈ"]),
            ("🐙 octopus", ["🐙", "🐙 OCT"]),
        ],
    )
    async def test_knows_other_alphabets(
        self, alice: Client, house_database: Database, name: str, parts: list[str]
    ) -> None:
        await add_named(house_database, ("first", name, "Xx"), ("second", "Xx", name))
        await add_named(house_database, ("none", "Борис", "Xx"))
        for part in parts:
            assert await found(alice, part) == {"first", "second"}, part

    async def test_takes_every_character_as_it_is(
        self, alice: Client, house_database: Database
    ) -> None:
        for number, (q, hit, miss) in enumerate(AS_THEY_ARE):
            one, two, out = (f"{name}-{number}" for name in ("one", "two", "out"))
            named = [(one, hit, "Xx"), (two, "Xx", hit), (out, miss, miss)]
            await add_named(house_database, *named)
            found_now = {name for name in await found(alice, q) if name.endswith(f"-{number}")}
            assert found_now == {one, two}, q

    async def test_takes_an_underscore_in_a_username_as_it_is(
        self, alice: Client, house_database: Database
    ) -> None:
        await add_named(house_database, ("a_b", "Xx", "Xx"), ("acb", "Xx", "Xx"))
        assert await found(alice, "A_B") == {"a_b"}

    async def test_never_looks_at_the_email(self, alice: Client, house_database: Database) -> None:
        await add_user(house_database, "dora", email="secret.address@quux.example")
        for q in ("secret", "secret.address@quux.example", "quux", "@", "example.org", "@quux"):
            assert await found(alice, q) == set(), q

    async def test_does_not_join_the_names(self, alice: Client, house_database: Database) -> None:
        await add_named(house_database, ("dora", "Theodora", "Bell"))
        assert await found(alice, "Theodora Bell") == await found(alice, "doraBell") == set()

    async def test_never_finds_the_deleted(self, alice: Client, house_database: Database) -> None:
        await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        assert await found(alice, "gone") == set()
        assert (await listed(alice, q="gone"))["total"] == 0
