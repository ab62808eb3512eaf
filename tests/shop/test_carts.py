"""The cart: what is put there, what it costs, and that it is one's own."""

from decimal import Decimal
from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import Client, problem
from tests.support.shops import SHOP, add_offer, add_offers, run, value

CART = f"{SHOP}/cart"
FILL = """
INSERT INTO cart_items (user_id, offer_id, quantity)
SELECT users.id, offers.id, 1 FROM users, offers WHERE offers.id = ANY (:ids)
"""
EMPTY = {"items": [], "total": "0.00"}


async def put(client: Client, offer_id: int, quantity: object) -> Any:
    """Put an offer into the cart; return the cart."""
    response = await client.put(f"{CART}/items/{offer_id}", json={"quantity": quantity})
    assert response.status == 200, await response.text()
    return await response.json()


class TestCart:
    async def test_is_empty_at_first(self, alice: Client) -> None:
        response = await alice.get(CART)
        assert (response.status, await response.json()) == (200, EMPTY)

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        line = f"{CART}/items/1"
        await problem(await guest.get(CART), 401, "not-signed-in")
        await problem(await guest.delete(CART), 401, "not-signed-in")
        await problem(await guest.put(line, json={"quantity": 1}), 401, "not-signed-in")
        await problem(await guest.delete(line), 401, "not-signed-in")

    async def test_shows_present_price_title_and_stock(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database, title="Emma")
        await put(alice, offer_id, 2)
        change = {"price": "3.33", "available": 1}
        await staff.patch(f"{SHOP}/offers/{offer_id}", json=change)
        line = {"offer_id": offer_id, "title": "Emma", "quantity": 2, **change}
        document = await (await alice.get(CART)).json()
        assert document == {"items": [line], "total": "6.66"}

    async def test_shows_nothing_of_others(
        self, alice: Client, bob: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        alices = await put(alice, offer_id, 2)
        assert await (await bob.get(CART)).json() == EMPTY
        await put(bob, offer_id, 5)
        await bob.delete(f"{CART}/items/{offer_id}")
        await put(bob, offer_id, 5)
        await bob.delete(CART)
        assert await (await alice.get(CART)).json() == alices

    async def test_costs_as_many_statements_with_a_hundred_lines_as_with_one(
        self, alice: Client, house_database: Database, statements: list[str]
    ) -> None:
        offers = await add_offers(house_database, 100)
        counts = []
        for some in (offers[:1], offers[1:]):
            await run(house_database, FILL, ids=some)
            statements.clear()
            document = await (await alice.get(CART)).json()
            counts.append((len(document["items"]), len(statements)))
        assert counts == [(1, 1), (100, 1)]


class TestPutItem:
    async def test_sets_the_quantity_and_does_not_add(
        self, alice: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database, title="Emma")
        await put(alice, offer_id, 5)
        document = await put(alice, offer_id, 2)
        line = {"offer_id": offer_id, "title": "Emma", "quantity": 2}
        line |= {"price": "12.50", "available": 10}
        assert document == {"items": [line], "total": "25.00"}

    async def test_sums_the_total_exactly(self, alice: Client, house_database: Database) -> None:
        for price, quantity in (("0.10", 3), ("9999999999.99", 1000), ("0.00", 7)):
            offer_id = await add_offer(house_database, price=Decimal(price))
            document = await put(alice, offer_id, quantity)
        assert document["total"] == "9999999999990.30"

    async def test_may_hold_more_than_there_is(
        self, alice: Client, house_database: Database
    ) -> None:
        document = await put(alice, await add_offer(house_database, available=0), 1000)
        assert document["items"][0]["quantity"] == 1000

    @pytest.mark.parametrize("quantity", [0, 1001, -1, 1.5, "1", True, None, 10**30])
    async def test_refuses_a_quantity_out_of_bounds(
        self, alice: Client, house_database: Database, quantity: object
    ) -> None:
        address = f"{CART}/items/{await add_offer(house_database)}"
        response = await alice.put(address, json={"quantity": quantity})
        document = await problem(response, 422, "validation-failed")
        assert [error["pointer"] for error in document["errors"]] == ["/quantity"]
        assert await value(house_database, "SELECT count(*) FROM cart_items") == 0

    @pytest.mark.parametrize("body", [{}, {"quantity": 1, "price": "0.01"}, [], None])
    async def test_refuses_another_body(
        self, alice: Client, house_database: Database, body: object
    ) -> None:
        address = f"{CART}/items/{await add_offer(house_database)}"
        headers = {"Content-Type": "application/json"}
        text = "null" if body is None else str(body).replace("'", '"')
        response = await alice.put(address, data=text, headers=headers)
        await problem(response, 422, "validation-failed")

    async def test_of_an_unknown_offer_is_not_found(self, alice: Client) -> None:
        response = await alice.put(f"{CART}/items/1", json={"quantity": 1})
        await problem(response, 404, "offer-not-found")
        assert await (await alice.get(CART)).json() == EMPTY


class TestDeleteItem:
    async def test_answers_the_rest_of_the_cart(
        self, alice: Client, house_database: Database
    ) -> None:
        first, second = await add_offers(house_database, 2)
        await put(alice, first, 1)
        await put(alice, second, 1)
        response = await alice.delete(f"{CART}/items/{first}")
        assert response.status == 200
        document = await response.json()
        assert [line["offer_id"] for line in document["items"]] == [second]
        assert document["total"] == "12.50"

    async def test_can_be_repeated(self, alice: Client, house_database: Database) -> None:
        offer_id = await add_offer(house_database)
        await put(alice, offer_id, 1)
        for _ in range(2):
            response = await alice.delete(f"{CART}/items/{offer_id}")
            assert (response.status, await response.json()) == (200, EMPTY)


class TestDeleteCart:
    async def test_empties_it_and_can_be_repeated(
        self, alice: Client, house_database: Database
    ) -> None:
        for offer_id in await add_offers(house_database, 3):
            await put(alice, offer_id, 1)
        for _ in range(2):
            response = await alice.delete(CART)
            assert (response.status, await response.json()) == (200, EMPTY)
        assert await value(house_database, "SELECT count(*) FROM cart_items") == 0
