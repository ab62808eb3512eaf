"""What one shop offers: its order, its search, and the price of a list in SQL statements."""

from decimal import Decimal

import pytest

from kit.db import Database
from tests.support.clients import Client, problem
from tests.support.shops import SHOP, add_book, add_offer, add_offers, add_shop


class TestAssortment:
    async def test_shows_exactly_the_documented_fields(
        self, guest: Client, house_database: Database
    ) -> None:
        book_id = await add_book(house_database, title="Emma", isbn="9780000000001")
        ids = {"shop_id": await add_shop(house_database), "book_id": book_id}
        offer_id = await add_offer(house_database, **ids, price=Decimal("0.5"), available=0)
        await add_offer(house_database)  # in another shop
        response = await guest.get(f"{SHOP}/shops/{ids['shop_id']}/books")
        assert response.status == 200
        document = await response.json()
        book = {"book_id": book_id, "title": "Emma", "author": "An Author"}
        more = {"isbn": "9780000000001", "published_on": "2001-02-03"}
        offer = {"offer_id": offer_id, "price": "0.50", "available": 0}
        assert document["items"] == [{**book, **more, **offer}]
        assert document["total"] == 1

    async def test_of_an_unknown_shop_is_not_found(self, guest: Client) -> None:
        await problem(await guest.get(f"{SHOP}/shops/1/books"), 404, "shop-not-found")

    async def test_of_a_new_shop_is_empty(self, guest: Client, house_database: Database) -> None:
        shop_id = await add_shop(house_database)
        document = await (await guest.get(f"{SHOP}/shops/{shop_id}/books")).json()
        assert (document["items"], document["total"], document["pages"]) == ([], 0, 0)

    async def test_refuses_an_unknown_order(self, guest: Client, house_database: Database) -> None:
        shop_id = await add_shop(house_database)
        response = await guest.get(f"{SHOP}/shops/{shop_id}/books?sort=-title")
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == ["sort"]


class TestOrderOfTheAssortment:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, [3, 4, 0, 1, 2]),
            ({"sort": "title"}, [3, 4, 0, 1, 2]),
            ({"sort": "price"}, [2, 4, 0, 3, 1]),
            ({"sort": "-price"}, [1, 3, 0, 4, 2]),
        ],
    )
    async def test_is_total_on_every_page(
        self,
        guest: Client,
        house_database: Database,
        query: dict[str, str],
        expected: list[int],
    ) -> None:
        shop_id = await add_shop(house_database)
        offers = [("B", "9.00"), ("B", "10.00"), ("B", "2.00"), ("A", "9.00"), ("A", "2.00")]
        ids = [
            await add_offer(house_database, shop_id=shop_id, title=title, price=Decimal(price))
            for title, price in offers
        ]
        found = []
        for page in range(1, 6):
            params = {**query, "size": "1", "page": str(page)}
            response = await guest.get(f"{SHOP}/shops/{shop_id}/books", params=params)
            found += [ids.index(item["offer_id"]) for item in (await response.json())["items"]]
        assert found == expected


class TestSearchInTheAssortment:
    @pytest.mark.parametrize(
        ("q", "expected"),
        [
            ("мастер", ["Мастер и Маргарита"]),
            ("МАРГАРИТА", ["Мастер и Маргарита"]),
            ("булгаков", ["Мастер и Маргарита"]),
            ("ULYSS", ["Ulysses"]),
            ("james j", ["Ulysses"]),
            ("9780000000002", ["Ulysses"]),
            ("%", ["100% Wool"]),
            ("_", ["snake_case"]),
            ("\\", ["C:\\books"]),
            ("nothing of the kind", []),
        ],
    )
    async def test_takes_text_as_it_is(
        self, guest: Client, house_database: Database, q: str, expected: list[str]
    ) -> None:
        shop_id = await add_shop(house_database)
        books = [
            ("Мастер и Маргарита", "Михаил Булгаков", "9780000000001"),
            ("Ulysses", "James Joyce", "9780000000002"),
            ("100% Wool", "A. Knitter", "9780000000003"),
            ("snake_case", "A. Coder", "9780000000004"),
            ("C:\\books", "B. Coder", "9780000000005"),
        ]
        for title, author, isbn in books:
            book_id = await add_book(house_database, title=title, author=author, isbn=isbn)
            await add_offer(house_database, shop_id=shop_id, book_id=book_id)
        response = await guest.get(f"{SHOP}/shops/{shop_id}/books", params={"q": q})
        document = await response.json()
        assert [item["title"] for item in document["items"]] == expected
        assert document["total"] == len(expected)


class TestStatements:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [("/shops", 2), ("/shops/{shop}/books", 3), ("/books", 2), ("/books/{book}", 2)],
    )
    async def test_are_as_many_for_a_hundred_rows_as_for_one(
        self,
        guest: Client,
        house_database: Database,
        statements: list[str],
        path: str,
        expected: int,
    ) -> None:
        shop_id, book_id = await add_shop(house_database), await add_book(house_database)
        await add_offer(house_database, shop_id=shop_id, book_id=book_id)
        address = SHOP + path.format(shop=shop_id, book=book_id)
        query = {} if "{book}" in path else {"size": 100}
        counts = []
        for more in (0, 99):
            await add_offers(house_database, more or 1, shop_id=shop_id)
            for _ in range(more if "{book}" in path else 0):
                await add_offer(house_database, book_id=book_id)
            for _ in range(more if path == "/shops" else 0):
                await add_shop(house_database)
            statements.clear()
            response = await guest.get(address, params=query)
            document = await response.json()
            counts.append((len(document.get("items", document.get("offers"))), len(statements)))
        assert [number for _, number in counts] == [expected, expected]
        assert counts[0][0] <= 2
        assert counts[1][0] == 100
