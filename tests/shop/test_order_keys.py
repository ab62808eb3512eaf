"""Orders under an Idempotency-Key: placed once, and whatever was answered first comes again."""

from kit.db import Database
from tests.shop.test_carts import CART, EMPTY, put
from tests.support.clients import Client, problem
from tests.support.keys import JSON, ORDERS, again, is_first, keys, post
from tests.support.shops import add_offer, add_offers, lines, one_of_each, run, stock, written

NOTHING = (0, 0, 0)
RESTOCK = "UPDATE offers SET available = available + 100"


class TestKey:
    async def test_gives_the_first_answer_again_and_orders_once(
        self, alice: Client, house_database: Database
    ) -> None:
        offers = await add_offers(house_database, 2)
        first = await post(alice, "a", json=one_of_each(offers))
        assert first.status == 201
        for _ in range(3):
            await again(first, await post(alice, "a", json=one_of_each(offers)))
        assert await written(house_database) == (1, 2, 1)
        assert await stock(house_database, offers) == [9, 9]
        assert (await alice.get(first.headers["Location"])).status == 200

    async def test_knows_the_body_in_any_spelling(
        self, alice: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        first = await post(alice, "a", json=lines((offer_id, 2)))
        for text in (
            f'{{"items":[{{"quantity":2,"offer_id":{offer_id}}}]}}',
            f' {{ "items" :\n[ {{"offer_id": {offer_id},\t"quantity": 2}} ] }}\r\n',
            f'{{"\\u0069tems": [{{"offer_i\\u0064": {offer_id}, "quantity": 2}}]}}',
        ):
            await again(first, await post(alice, "a", data=text, headers=JSON))
        assert await written(house_database) == (1, 1, 1)

    async def test_is_for_one_body(self, alice: Client, house_database: Database) -> None:
        one, two = await add_offers(house_database, 2)
        first = await post(alice, "a", json=lines((one, 1), (two, 1)))
        await put(alice, one, 1)
        for other in (
            lines((one, 1)),
            lines((one, 1), (two, 2)),
            lines((two, 1), (one, 1)),
            lines((one, 1), (two, 1), (two, 1)),
            None,
        ):
            refused = await post(alice, "a", json=other)
            await problem(refused, 422, "idempotency-key-reused")
            assert is_first(refused)
        await again(first, await post(alice, "a", json=lines((one, 1), (two, 1))))
        assert await written(house_database) == (1, 2, 1)

    async def test_of_somebody_else_is_another_key(
        self, alice: Client, bob: Client, house_database: Database
    ) -> None:
        body = lines((await add_offer(house_database), 1))
        first, second = await post(alice, "a", json=body), await post(bob, "a", json=body)
        assert (first.status, second.status) == (201, 201)
        assert is_first(second)
        assert (await first.json())["id"] != (await second.json())["id"]
        await again(second, await post(bob, "a", json=body))
        assert await written(house_database) == (2, 2, 2)

    async def test_is_needed_to_order_once(self, alice: Client, house_database: Database) -> None:
        offer_id = await add_offer(house_database)
        for _ in range(2):
            response = await alice.post(ORDERS, json=lines((offer_id, 1)))
            assert (response.status, is_first(response)) == (201, True)
        assert await written(house_database) == (2, 2, 2)
        assert await stock(house_database, [offer_id]) == [8]
        assert await keys(house_database) == 0

    async def test_orders_the_cart_once_and_leaves_the_next_one_alone(
        self, alice: Client, house_database: Database
    ) -> None:
        offers = await add_offers(house_database, 2)
        await put(alice, offers[0], 2)
        first = await post(alice, "a")
        assert first.status == 201
        assert await (await alice.get(CART)).json() == EMPTY
        await again(first, await post(alice, "a"))
        cart = await put(alice, offers[1], 1)
        await again(first, await post(alice, "a"))
        assert await (await alice.get(CART)).json() == cart
        await problem(await post(alice, "a", json={"items": []}), 422, "validation-failed")
        assert await stock(house_database, offers) == [8, 10]
        assert await written(house_database) == (1, 1, 1)

    async def test_costs_two_statements_more_and_an_answer_again_two_in_all(
        self, alice: Client, house_database: Database, statements: list[str]
    ) -> None:
        body, counts = lines((await add_offer(house_database), 1)), []
        for key in ("a", "a"):
            statements.clear()
            assert (await post(alice, key, json=body)).status == 201
            counts.append(len(statements))
        assert counts == [6, 2]


class TestRefusedOrder:
    async def test_for_want_of_stock_stays_refused(
        self, alice: Client, house_database: Database
    ) -> None:
        plenty, short = await add_offers(house_database, 2)
        first = await post(alice, "a", json=lines((plenty, 1), (short, 11)))
        document = await problem(first, 409, "out-of-stock")
        assert document["errors"][0]["available"] == 10
        assert await written(house_database) == NOTHING
        await run(house_database, RESTOCK)
        await again(first, await post(alice, "a", json=lines((plenty, 1), (short, 11))))
        assert await written(house_database) == NOTHING
        assert await stock(house_database, [plenty, short]) == [110, 110]
        assert (await post(alice, "b", json=lines((plenty, 1), (short, 11)))).status == 201

    async def test_of_an_empty_cart_stays_refused(
        self, alice: Client, house_database: Database
    ) -> None:
        first = await post(alice, "a")
        await problem(first, 409, "empty-cart")
        cart = await put(alice, await add_offer(house_database), 1)
        await again(first, await post(alice, "a"))
        assert await (await alice.get(CART)).json() == cart
        assert await written(house_database) == NOTHING

    async def test_of_a_cart_keeps_the_cart(self, alice: Client, house_database: Database) -> None:
        cart = await put(alice, await add_offer(house_database), 11)
        first = await post(alice, "a")
        await problem(first, 409, "out-of-stock")
        await again(first, await post(alice, "a"))
        assert await (await alice.get(CART)).json() == cart

    async def test_of_an_unknown_offer_stays_refused(
        self, alice: Client, house_database: Database
    ) -> None:
        known = await add_offer(house_database)
        first = await post(alice, "a", json=lines((known, 1), (2**63 - 1, 1)))
        await problem(first, 404, "offer-not-found")
        await again(first, await post(alice, "a", json=lines((known, 1), (2**63 - 1, 1))))
        assert await stock(house_database, [known]) == [10]
        assert await written(house_database) == NOTHING
