"""Races through the HTTP door: carts, checkouts, ends of orders, and a rush for one book.

The tests of naive statements show that the same verdict reports the loss without a guard.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable

import pytest
from aiohttp import ClientResponse

from kit import problems
from kit.db import Database
from shop.repository import carts, orders
from tests.shop.conftest import Join
from tests.shop.naive import Meeting, no_lock
from tests.shop.races import Race
from tests.shop.test_carts import CART, put
from tests.shop.test_orders import ORDERS, order
from tests.support.clients import Client
from tests.support.shops import add_offer, one_of_each, rows, value

pytestmark = pytest.mark.concurrent


async def answers(*requests: Awaitable[ClientResponse]) -> Counter[str]:
    """Send all requests at once; count the codes of the answers."""
    counted: Counter[str] = Counter()
    for response in await asyncio.gather(*requests):
        document = await response.json(content_type=None)
        counted[document.get("code", str(response.status))] += 1
    return counted


class TestBuyersOverHttp:
    async def test_buy_what_there_is_and_not_more(
        self, join: Join, busy_database: Database
    ) -> None:
        clients = [await join(f"buyer{n}") for n in range(20)]
        race = await Race.over(busy_database, 0, offers=1, copies=50)
        gate = asyncio.Semaphore(len(clients))

        async def buy(client: Client) -> ClientResponse:
            async with gate:
                return await client.post(ORDERS, json=one_of_each(race.offer_ids))

        found = await answers(*[buy(client) for client in clients * 10])
        assert found == {"201": 50, "out-of-stock": 150}
        assert await race.losses(dict.fromkeys(race.offer_ids, 200)) == []
        assert await value(busy_database, "SELECT count(*) FROM outbox") == 50

    async def test_with_three_lines_each_are_all_served(
        self, join: Join, busy_database: Database
    ) -> None:
        clients = [await join(f"buyer{n}") for n in range(10)]
        race = await Race.over(busy_database, 0, offers=10, copies=60)
        chance = random.Random(0)

        async def buy(client: Client) -> Counter[int]:
            baskets = [chance.sample(race.offer_ids, 3) for _ in range(6)]
            bodies = [one_of_each(basket) for basket in baskets]
            return Counter([(await client.post(ORDERS, json=body)).status for body in bodies])

        found = await asyncio.gather(*map(buy, clients))
        assert sum(found, Counter()) == {201: 60}
        assert await race.losses() == []


class TestTwoCheckouts:
    async def losses(self, join: Join, database: Database) -> list[str]:
        """Say what is wrong after two checkouts of one cart at once."""
        alice = await join("alice")
        race = await Race.over(database, 0, offers=2, copies=10)
        for offer_id in race.offer_ids:
            await put(alice, offer_id, 2)
        found = await answers(alice.post(ORDERS), alice.post(ORDERS))
        placed = await value(database, "SELECT count(*) FROM orders")
        events = await value(database, "SELECT count(*) FROM outbox")
        once = found == {"201": 1, "empty-cart": 1} and (placed, events) == (1, 1)
        return [] if once else [f"{placed} orders, {events} events: {found}"]

    async def test_of_one_cart_make_one_order(self, join: Join, busy_database: Database) -> None:
        assert await self.losses(join, busy_database) == []

    async def test_naive_make_two(
        self, join: Join, busy_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(carts, "empty", Meeting().empty)
        (loss,) = await self.losses(join, busy_database)
        assert loss.startswith("2 orders, 2 events")


class TestTwoEnds:
    async def losses(self, join: Join, database: Database, first: str, second: str) -> list[str]:
        """Say what is wrong after two ends of one order at once."""
        clients = {"cancel": await join("alice"), "pay": await join("sam", staff=True)}
        race = await Race.over(database, 0, offers=2, copies=10)
        placed = await order(clients["cancel"], *[(offer_id, 3) for offer_id in race.offer_ids])
        address = f"{ORDERS}/{placed['id']}"
        found = await answers(
            clients[first].post(f"{address}/{first}"), clients[second].post(f"{address}/{second}")
        )
        once = found == {"200": 1, "wrong-order-status": 1}
        events = await value(database, "SELECT count(*) FROM outbox")
        ended = [] if once and events == 2 else [f"{events - 1} ends: {found}"]
        return ended + await race.losses()

    @pytest.mark.parametrize("first", ["cancel", "pay"])
    @pytest.mark.parametrize("second", ["cancel", "pay"])
    async def test_at_once_are_one(
        self, join: Join, busy_database: Database, first: str, second: str
    ) -> None:
        assert await self.losses(join, busy_database, first, second) == []

    @pytest.mark.parametrize("second", ["cancel", "pay"])
    async def test_naive_are_two(
        self,
        join: Join,
        busy_database: Database,
        second: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(orders, "change_status", Meeting().change_status)
        found = await self.losses(join, busy_database, "cancel", second)
        assert found[0].startswith("2 ends")
        if second == "cancel":
            assert any("differ from the supply" in loss for loss in found)


class TestPutsAtOnce:
    async def losses(self, join: Join, database: Database) -> list[str]:
        """Say what is wrong after twenty PUTs of one cart line at once (promise 20)."""
        alice = await join("alice")
        address = f"{CART}/items/{await add_offer(database)}"
        puts = [alice.put(address, json={"quantity": n}) for n in range(1, 21)]
        found = await answers(*puts)
        kept = await rows(database, "SELECT quantity FROM cart_items")
        right = len(kept) == 1 and 1 <= kept[0]["quantity"] <= 20
        wrong = {code: n for code, n in found.items() if code != "200"}
        return ([] if right else [f"rows: {kept}"]) + ([f"answers: {wrong}"] if wrong else [])

    async def test_make_one_line(self, join: Join, busy_database: Database) -> None:
        assert await self.losses(join, busy_database) == []

    async def test_naive_break_on_the_key(
        self, join: Join, busy_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(carts, "put", Meeting().put)
        monkeypatch.setattr(carts, "lock", no_lock)
        monkeypatch.setattr(problems, "logger", logging.getLogger("quiet"))
        (loss,) = await self.losses(join, busy_database)
        assert "internal-error" in loss
