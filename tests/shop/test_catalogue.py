"""Shops and books as everybody sees them."""

from datetime import date
from decimal import Decimal

import pytest
from yarl import URL

from kit.db import Database
from tests.support.clients import Client, problem
from tests.support.shops import SHOP, add_book, add_offer, add_shop


class TestShops:
    async def test_shows_exactly_the_documented_fields(
        self, guest: Client, house_database: Database
    ) -> None:
        shop_id = await add_shop(house_database, name="Nook", site="https://nook.example")
        response = await guest.get(f"{SHOP}/shops")
        assert response.status == 200
        shop = {"id": shop_id, "name": "Nook", "address": "1 Main Street"}
        assert await response.json() == {
            "items": [{**shop, "site": "https://nook.example"}],
            "page": 1,
            "size": 20,
            "total": 1,
            "pages": 1,
        }

    async def test_is_ordered_by_name_and_then_by_id(
        self, guest: Client, house_database: Database
    ) -> None:
        ids = [await add_shop(house_database, name=name) for name in ("B", "A", "B", "A")]
        document = await (await guest.get(f"{SHOP}/shops")).json()
        found = [shop["id"] for shop in document["items"]]
        assert found == [ids[1], ids[3], ids[0], ids[2]]

    async def test_has_no_pages_when_empty(self, guest: Client) -> None:
        document = await (await guest.get(f"{SHOP}/shops")).json()
        assert (document["items"], document["total"], document["pages"]) == ([], 0, 0)

    @pytest.mark.parametrize(
        ("q", "name"),
        [
            ("NOOK", "The Nook"),
            ("книж", "Дом КНИЖНЫЙ"),
            ("100%", "100% Books"),
            ("a_b", "a_b"),
            ("\\", "back\\slash"),
        ],
    )
    async def test_finds_part_of_a_name_in_any_case(
        self, guest: Client, house_database: Database, q: str, name: str
    ) -> None:
        for other in ("The Nest", "1000 Books", "acb", "slash"):
            await add_shop(house_database, name=other)
        await add_shop(house_database, name=name)
        document = await (await guest.get(f"{SHOP}/shops", params={"q": q})).json()
        assert [shop["name"] for shop in document["items"]] == [name]
        assert document["total"] == 1

    async def test_head_answers_like_get_without_the_body(
        self, guest: Client, house_database: Database
    ) -> None:
        await add_shop(house_database)
        head, get = await guest.head(f"{SHOP}/shops"), await guest.get(f"{SHOP}/shops")
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Link"] == get.headers["Link"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


class TestPages:
    @pytest.fixture(autouse=True)
    async def five_shops(self, house_database: Database) -> None:
        for name in "abcde":
            await add_shop(house_database, name=name)

    async def test_cut_the_list(self, guest: Client) -> None:
        found = []
        for page in (1, 2, 3):
            response = await guest.get(f"{SHOP}/shops", params={"page": page, "size": 2})
            document = await response.json()
            assert (document["total"], document["pages"], document["page"]) == (5, 3, page)
            found.append("".join(shop["name"] for shop in document["items"]))
        assert found == ["ab", "cd", "e"]

    @pytest.mark.parametrize("page", [4, 2**53 - 1])
    async def test_are_empty_past_the_end(self, guest: Client, page: int) -> None:
        response = await guest.get(f"{SHOP}/shops", params={"page": page, "size": 100})
        document = await response.json()
        assert response.status == 200
        assert (document["items"], document["total"], document["pages"]) == ([], 5, 1)

    @pytest.mark.parametrize(
        "query",
        [
            *("page=0", "page=-1", "page=1.5", "page=x", "page=", "page=%D9%A1"),
            *("page=9007199254740992", "page=1&page=2", "size=0", "size=101"),
            *("unknown=1", "sort=title", "q=%00"),
        ],
    )
    async def test_refuse_bad_parameters(self, guest: Client, query: str) -> None:
        response = await guest.get(URL(f"{SHOP}/shops?{query}", encoded=True))
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == [query.split("=")[0]]

    @pytest.mark.parametrize(
        ("page", "expected"),
        [
            (1, {"first": "1", "next": "2", "last": "3"}),
            (2, {"first": "1", "prev": "1", "next": "3", "last": "3"}),
            (3, {"first": "1", "prev": "2", "last": "3"}),
            (9, {"first": "1", "last": "3"}),
        ],
    )
    async def test_link_to_their_neighbours(
        self, guest: Client, page: int, expected: dict[str, str]
    ) -> None:
        query = {"page": str(page), "size": "2", "q": ""}
        response = await guest.get(f"{SHOP}/shops", params=query)
        links = {str(rel): URL(link["url"]).query for rel, link in response.links.items()}
        assert {rel: query["page"] for rel, query in links.items()} == expected
        assert all(query["size"] == "2" for query in links.values())


class TestShop:
    async def test_is_shown(self, guest: Client, house_database: Database) -> None:
        shop_id = await add_shop(house_database)
        response = await guest.get(f"{SHOP}/shops/{shop_id}")
        shop = {"id": shop_id, "name": "Corner Books", "address": "1 Main Street", "site": None}
        assert (response.status, await response.json()) == (200, shop)

    async def test_that_is_unknown_is_not_found(self, guest: Client) -> None:
        await problem(await guest.get(f"{SHOP}/shops/1"), 404, "shop-not-found")

    @pytest.mark.parametrize("text", ["0", "-1", "x", "1.0", "9223372036854775808", "01"])
    async def test_under_what_is_no_id_is_not_found(self, guest: Client, text: str) -> None:
        await problem(await guest.get(f"{SHOP}/shops/{text}"), 404, "not-found")


class TestBooks:
    async def test_shows_exactly_the_documented_fields(
        self, guest: Client, house_database: Database
    ) -> None:
        book_id = await add_book(house_database, title="Emma", isbn="9780000000001")
        document = await (await guest.get(f"{SHOP}/books")).json()
        book = {"id": book_id, "title": "Emma", "author": "An Author", "isbn": "9780000000001"}
        assert document["items"] == [{**book, "published_on": "2001-02-03"}]

    async def test_is_ordered_by_title_and_then_by_id(
        self, guest: Client, house_database: Database
    ) -> None:
        ids = [await add_book(house_database, title=title) for title in ("B", "A", "B")]
        document = await (await guest.get(f"{SHOP}/books")).json()
        assert [book["id"] for book in document["items"]] == [ids[1], ids[0], ids[2]]

    @pytest.mark.parametrize("q", ["emm", "AUSTEN", "9780000000001"])
    async def test_finds_title_author_and_isbn(
        self, guest: Client, house_database: Database, q: str
    ) -> None:
        await add_book(house_database)
        await add_book(house_database, title="Emma", author="Jane Austen", isbn="9780000000001")
        document = await (await guest.get(f"{SHOP}/books", params={"q": q})).json()
        assert [book["title"] for book in document["items"]] == ["Emma"]


class TestBook:
    async def test_is_shown_with_its_offers_in_all_shops_cheapest_first(
        self, guest: Client, house_database: Database
    ) -> None:
        book_id = await add_book(house_database, isbn="9780000000001")
        await add_offer(house_database)  # of another book
        offers = []
        for name, price in (("Dear", "9.00"), ("Cheap", "8.50")):
            shop_id = await add_shop(house_database, name=name)
            ids = {"shop_id": shop_id, "book_id": book_id}
            offer_id = await add_offer(house_database, **ids, price=Decimal(price), available=3)
            offer = {"offer_id": offer_id, "shop_id": shop_id, "shop": name, "price": price}
            offers.append({**offer, "available": 3})
        document = await (await guest.get(f"{SHOP}/books/{book_id}")).json()
        book = {"id": book_id, "title": "A Book", "author": "An Author", "isbn": "9780000000001"}
        published = {"published_on": date(2001, 2, 3).isoformat()}
        assert document == {**book, **published, "offers": offers[::-1]}

    async def test_may_be_offered_nowhere(self, guest: Client, house_database: Database) -> None:
        book_id = await add_book(house_database)
        document = await (await guest.get(f"{SHOP}/books/{book_id}")).json()
        assert document["offers"] == []

    async def test_that_is_unknown_is_not_found(self, guest: Client) -> None:
        await problem(await guest.get(f"{SHOP}/books/1"), 404, "book-not-found")
