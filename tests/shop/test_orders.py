"""Placing an order: all of it or nothing, with titles and prices as bought."""

from decimal import Decimal
from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import Client, problem
from tests.support.shops import (
    SHOP,
    add_book,
    add_offer,
    add_offers,
    add_shop,
    lines,
    one_of_each,
    run,
    stock,
    written,
)

ORDERS = f"{SHOP}/orders"
NOTHING = (0, 0, 0)


async def order(client: Client, *wanted: tuple[int, int]) -> Any:
    """Place an order of offers and quantities; return it."""
    response = await client.post(ORDERS, json=lines(*wanted))
    assert response.status == 201, await response.text()
    return await response.json()


class TestPlaceOrder:
    async def test_takes_several_lines(self, alice: Client, house_database: Database) -> None:
        shop_id, book_id = await add_shop(house_database), await add_book(house_database)
        first = await add_offer(house_database, shop_id=shop_id, book_id=book_id)
        second = await add_offer(house_database, shop_id=shop_id, price=Decimal("0.99"))
        response = await alice.post(ORDERS, json=lines((second, 3), (first, 2)))
        document = await response.json()
        assert response.status == 201
        assert document.keys() == {"id", "status", "created_at", "total", "items"}
        assert (document["status"], document["total"]) == ("awaiting_payment", "27.97")
        line = {"shop_id": shop_id, "title": "A Book", "quantity": 2, "price": "12.50"}
        assert document["items"][0] == {"offer_id": first, "book_id": book_id, **line}
        assert [line["offer_id"] for line in document["items"]] == [first, second]
        assert await stock(house_database, [first, second]) == [8, 7]

    async def test_answers_where_the_order_is(
        self, alice: Client, house_database: Database
    ) -> None:
        body = lines((await add_offer(house_database), 1))
        response = await alice.post(ORDERS, json=body)
        placed = await response.json()
        assert response.headers["Location"] == f"{ORDERS}/{placed['id']}"
        found = await alice.get(response.headers["Location"])
        assert (found.status, await found.json()) == (200, placed)

    async def test_adds_up_the_same_offer_and_may_take_the_last_copy(
        self, alice: Client, house_database: Database
    ) -> None:
        offer_id, other = await add_offers(house_database, 2)
        document = await order(alice, (offer_id, 4), (other, 1), (offer_id, 6))
        quantities = {line["offer_id"]: line["quantity"] for line in document["items"]}
        assert quantities == {offer_id: 10, other: 1}
        assert await stock(house_database, [offer_id, other]) == [0, 9]

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.post(ORDERS), 401, "not-signed-in")
        await problem(await guest.post(ORDERS, json=lines((1, 1))), 401, "not-signed-in")

    async def test_keeps_titles_and_prices_as_bought(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database, title="Emma")
        placed = await order(alice, (offer_id, 2))
        change = {"price": "99.00", "available": 1}
        response = await staff.patch(f"{SHOP}/offers/{offer_id}", json=change)
        assert response.status == 200
        await run(house_database, "UPDATE books SET title = 'Emma, revised'")
        found = await (await alice.get(f"{ORDERS}/{placed['id']}")).json()
        listed = await (await alice.get(ORDERS)).json()
        assert found == placed
        assert listed["items"] == [placed]
        assert (placed["items"][0]["title"], placed["total"]) == ("Emma", "25.00")
        cancelled = await (await alice.post(f"{ORDERS}/{placed['id']}/cancel")).json()
        assert cancelled == {**placed, "status": "cancelled"}

    async def test_costs_as_many_statements_with_a_hundred_lines_as_with_one(
        self, alice: Client, house_database: Database, statements: list[str]
    ) -> None:
        offers = await add_offers(house_database, 100)
        counts = []
        for some in (offers[:1], offers):
            statements.clear()
            response = await alice.post(ORDERS, json=one_of_each(some))
            counts.append((len((await response.json())["items"]), len(statements)))
        assert counts == [(1, 4), (100, 4)]


class TestRefusedOrder:
    async def test_names_each_short_line_and_leaves_no_trace(
        self, alice: Client, house_database: Database
    ) -> None:
        first, second, third, fourth = await add_offers(house_database, 4, available=5)
        body = lines((fourth, 5), (second, 6), (first, 1), (third, 7))
        document = await problem(await alice.post(ORDERS, json=body), 409, "out-of-stock")
        complaints = {error.pop("pointer"): error for error in document["errors"]}
        for error in complaints.values():
            assert error.pop("message")
        assert complaints == {
            "/items/1": {"offer_id": second, "requested": 6, "available": 5},
            "/items/3": {"offer_id": third, "requested": 7, "available": 5},
        }
        assert await stock(house_database, [first, second, third, fourth]) == [5, 5, 5, 5]
        assert await written(house_database) == NOTHING

    async def test_may_be_short_in_the_sum_of_its_lines(
        self, alice: Client, house_database: Database
    ) -> None:
        other, offer_id = await add_offers(house_database, 2)
        body = lines((other, 1), (offer_id, 6), (offer_id, 5))
        document = await problem(await alice.post(ORDERS, json=body), 409, "out-of-stock")
        facts = {"offer_id": offer_id, "requested": 11, "available": 10, "pointer": "/items/1"}
        assert [{**error, **facts} for error in document["errors"]] == document["errors"]
        assert len(document["errors"]) == 1
        assert await stock(house_database, [other, offer_id]) == [10, 10]
        assert await written(house_database) == NOTHING

    async def test_names_each_unknown_offer(self, alice: Client, house_database: Database) -> None:
        offer_id = await add_offer(house_database, available=0)
        unknown = offer_id + 1000
        body = lines((offer_id, 1), (unknown, 1), (2**63 - 1, 1))
        document = await problem(await alice.post(ORDERS, json=body), 404, "offer-not-found")
        named = [(error["pointer"], error["offer_id"]) for error in document["errors"]]
        assert named == [("/items/1", unknown), ("/items/2", 2**63 - 1)]
        assert await written(house_database) == NOTHING

    @pytest.mark.parametrize(("number", "status"), [(0, 422), (1, 201), (100, 201), (101, 422)])
    async def test_has_no_line_or_too_many(
        self, alice: Client, house_database: Database, number: int, status: int
    ) -> None:
        offers = await add_offers(house_database, number) if number else []
        response = await alice.post(ORDERS, json=one_of_each(offers))
        assert response.status == status
        if status == 422:
            document = await problem(response, 422, "validation-failed")
            assert [error["pointer"] for error in document["errors"]] == ["/items"]

    @pytest.mark.parametrize(
        ("line", "pointer"),
        [
            ({"quantity": 0}, "/items/0/quantity"),
            ({"quantity": 1001}, "/items/0/quantity"),
            ({"quantity": 1.5}, "/items/0/quantity"),
            ({"quantity": "1"}, "/items/0/quantity"),
            ({"quantity": True}, "/items/0/quantity"),
            ({"quantity": None}, "/items/0/quantity"),
            ({"offer_id": 0}, "/items/0/offer_id"),
            ({"offer_id": 2**63}, "/items/0/offer_id"),
            ({"price": "0.01"}, "/items/0/price"),
        ],
    )
    async def test_has_a_line_that_does_not_fit(
        self, alice: Client, house_database: Database, line: dict[str, Any], pointer: str
    ) -> None:
        offer_id = await add_offer(house_database)
        body = {"items": [{"offer_id": offer_id, "quantity": 1, **line}]}
        document = await problem(await alice.post(ORDERS, json=body), 422, "validation-failed")
        assert [error["pointer"] for error in document["errors"]] == [pointer]
        assert await stock(house_database, [offer_id]) == [10]

    @pytest.mark.parametrize("text", ["{}", "[]", "null", '{"items": null}', '{"items": {}}'])
    async def test_is_not_the_cart_because_there_is_a_body(
        self, alice: Client, house_database: Database, text: str
    ) -> None:
        address = f"{SHOP}/cart/items/{await add_offer(house_database)}"
        await alice.put(address, json={"quantity": 1})
        headers = {"Content-Type": "application/json"}
        response = await alice.post(ORDERS, data=text, headers=headers)
        await problem(response, 422, "validation-failed")
        assert await written(house_database) == NOTHING
