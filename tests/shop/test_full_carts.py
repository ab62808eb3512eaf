"""A cart has room for as many offers as an order may have lines."""

import asyncio

import pytest

from kit.db import Database
from shop.entities import MOST_LINES
from shop.repository import carts
from tests.shop.conftest import Join
from tests.shop.naive import Meeting
from tests.support.clients import Client, problem
from tests.support.shops import SHOP, add_offers, run, value

CART = f"{SHOP}/cart"
FILL = """
    INSERT INTO cart_items (user_id, offer_id, quantity)
    SELECT users.id, offers.id, 1 FROM users, offers
"""


async def put(client: Client, offer_id: int, quantity: int = 1) -> int:
    """Put an offer into the cart; return the status."""
    async with client.put(f"{CART}/items/{offer_id}", json={"quantity": quantity}) as response:
        return response.status


class TestFullCart:
    async def test_takes_no_further_offer(self, alice: Client, house_database: Database) -> None:
        offers = await add_offers(house_database, MOST_LINES)
        await run(house_database, FILL)
        (further,) = await add_offers(house_database, 1)
        response = await alice.put(f"{CART}/items/{further}", json={"quantity": 1})
        await problem(response, 409, "cart-full")
        assert await put(alice, offers[7], quantity=2) == 200

    async def test_is_one_order(self, alice: Client, house_database: Database) -> None:
        await add_offers(house_database, MOST_LINES)
        await run(house_database, FILL)
        response = await alice.post(f"{SHOP}/orders")
        assert response.status == 201
        assert len((await response.json())["items"]) == MOST_LINES


@pytest.mark.concurrent
class TestLastPlace:
    async def lines(self, join: Join, database: Database) -> int:
        """Let two PUTs race for the last place of a cart; return how many lines there are."""
        alice = await join("alice")
        await add_offers(database, MOST_LINES - 1)
        await run(database, FILL)
        further = await add_offers(database, 2)
        await asyncio.gather(*(put(alice, offer_id) for offer_id in further))
        return int(await value(database, "SELECT count(*) FROM cart_items"))

    async def test_is_taken_once(self, join: Join, busy_database: Database) -> None:
        assert await self.lines(join, busy_database) == MOST_LINES

    async def test_without_the_lock_is_taken_twice(
        self, join: Join, busy_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(carts, "lock", Meeting().lock)
        assert await self.lines(join, busy_database) > MOST_LINES
