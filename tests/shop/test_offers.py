"""Staff set what an offer costs and how many copies there are."""

from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import Client, problem
from tests.support.shops import SHOP, add_book, add_offer, rows


async def _stored(database: Database, offer_id: int) -> tuple[str, int]:
    found = await rows(database, "SELECT price, available FROM offers WHERE id = :id", id=offer_id)
    return str(found[0]["price"]), found[0]["available"]


class TestChangeOffer:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"price": "13.00"}, ("13.00", 10)),
            ({"price": "7"}, ("7.00", 10)),
            ({"price": "0.5"}, ("0.50", 10)),
            ({"price": "0"}, ("0.00", 10)),
            ({"price": "9999999999.99"}, ("9999999999.99", 10)),
            ({"available": 0}, ("12.50", 0)),
            ({"available": 1_000_000}, ("12.50", 1_000_000)),
            ({"price": "1.99", "available": 4}, ("1.99", 4)),
            ({}, ("12.50", 10)),
        ],
    )
    async def test_sets_what_is_given_and_nothing_else(
        self,
        staff: Client,
        house_database: Database,
        change: dict[str, Any],
        expected: tuple[str, int],
    ) -> None:
        offer_id, other = [await add_offer(house_database) for _ in range(2)]
        response = await staff.patch(f"{SHOP}/offers/{offer_id}", json=change)
        assert response.status == 200, await response.text()
        document = await response.json()
        assert (document["price"], document["available"]) == expected
        assert await _stored(house_database, offer_id) == expected
        assert await _stored(house_database, other) == ("12.50", 10)

    async def test_answers_the_offer_with_its_book(
        self, staff: Client, house_database: Database
    ) -> None:
        book_id = await add_book(house_database, title="Emma", isbn="9780000000001")
        offer_id = await add_offer(house_database, book_id=book_id)
        response = await staff.patch(f"{SHOP}/offers/{offer_id}", json={"available": 3})
        book = {"book_id": book_id, "title": "Emma", "author": "An Author"}
        more = {"isbn": "9780000000001", "published_on": "2001-02-03"}
        offer = {"offer_id": offer_id, "price": "12.50", "available": 3}
        assert await response.json() == {**book, **more, **offer}

    @pytest.mark.parametrize(
        ("field", "values"),
        [
            ("price", [12.5, 12, "12.505", "-1", "1e3", "NaN", "Infinity", "10000000000"]),
            ("price", ["", " 1", "1\n", "+1", "1,5", ".5", "5.", "\u0661", True, None, ["1"]]),
            ("available", [-1, 1.5, 1.0, "1", True, None, 1_000_001, 10**30]),
            *[(field, [1]) for field in ("id", "offer_id", "shop_id", "title", "")],
        ],
    )
    async def test_refuses_what_does_not_fit(
        self, staff: Client, house_database: Database, field: str, values: list[object]
    ) -> None:
        offer_id = await add_offer(house_database)
        for value in values:
            response = await staff.patch(f"{SHOP}/offers/{offer_id}", json={field: value})
            document = await problem(response, 422, "validation-failed")
            assert {error["pointer"] for error in document["errors"]} == {f"/{field}"}, value
        assert await _stored(house_database, offer_id) == ("12.50", 10)

    async def test_needs_a_body(self, staff: Client, house_database: Database) -> None:
        offer_id = await add_offer(house_database)
        response = await staff.patch(f"{SHOP}/offers/{offer_id}")
        await problem(response, 400, "malformed-json")

    async def test_of_what_does_not_exist_is_not_found(self, staff: Client) -> None:
        response = await staff.patch(f"{SHOP}/offers/1", json={"available": 1})
        await problem(response, 404, "offer-not-found")

    async def test_is_for_staff_only(
        self, guest: Client, alice: Client, house_database: Database
    ) -> None:
        address = f"{SHOP}/offers/{await add_offer(house_database)}"
        change = {"available": 1}
        await problem(await guest.patch(address, json=change), 401, "not-signed-in")
        await problem(await alice.patch(address, json=change), 403, "staff-only")
        await problem(await alice.patch(address, json={"nonsense": 1}), 403, "staff-only")
