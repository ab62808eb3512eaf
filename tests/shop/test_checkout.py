"""Ordering what the cart holds."""

from kit.db import Database
from tests.shop.test_carts import CART, EMPTY, FILL, put
from tests.support.clients import Client, problem
from tests.support.shops import SHOP, add_offers, lines, run, stock, written

ORDERS = f"{SHOP}/orders"


class TestCheckout:
    async def test_orders_the_cart_and_empties_it(
        self, alice: Client, house_database: Database
    ) -> None:
        offers = await add_offers(house_database, 2)
        await put(alice, offers[1], 2)
        await put(alice, offers[0], 1)
        response = await alice.post(ORDERS)
        document = await response.json()
        assert (response.status, document["total"]) == (201, "37.50")
        bought = [(line["offer_id"], line["quantity"]) for line in document["items"]]
        assert bought == [(offers[0], 1), (offers[1], 2)]
        assert await (await alice.get(CART)).json() == EMPTY
        assert await stock(house_database, offers) == [9, 8]
        assert (await alice.get(response.headers["Location"])).status == 200

    async def test_of_an_empty_cart_is_refused(
        self, alice: Client, bob: Client, house_database: Database
    ) -> None:
        (offer_id,) = await add_offers(house_database, 1)
        await put(bob, offer_id, 1)
        await problem(await alice.post(ORDERS), 409, "empty-cart")
        assert await written(house_database) == (0, 0, 0)
        assert len((await (await bob.get(CART)).json())["items"]) == 1

    async def test_that_fails_keeps_the_cart(
        self, alice: Client, house_database: Database
    ) -> None:
        plenty, short = await add_offers(house_database, 2)
        await put(alice, plenty, 1)
        cart = await put(alice, short, 11)
        document = await problem(await alice.post(ORDERS), 409, "out-of-stock")
        facts = {"offer_id": short, "requested": 11, "available": 10}
        assert [{**error, **facts} for error in document["errors"]] == document["errors"]
        assert len(document["errors"]) == 1
        assert await (await alice.get(CART)).json() == cart
        assert await stock(house_database, [plenty, short]) == [10, 10]
        assert await written(house_database) == (0, 0, 0)

    async def test_is_untouched_by_an_order_of_other_lines(
        self, alice: Client, house_database: Database
    ) -> None:
        first, second = await add_offers(house_database, 2)
        cart = await put(alice, first, 1)
        assert (await alice.post(ORDERS, json=lines((second, 1)))).status == 201
        assert await (await alice.get(CART)).json() == cart

    async def test_costs_as_many_statements_with_a_hundred_lines_as_with_one(
        self, alice: Client, house_database: Database, statements: list[str]
    ) -> None:
        offers = await add_offers(house_database, 100)
        counts = []
        for some in (offers[:1], offers):
            await run(house_database, FILL, ids=some)
            statements.clear()
            response = await alice.post(ORDERS)
            counts.append((len((await response.json())["items"]), len(statements)))
        assert counts == [(1, 5), (100, 5)]
