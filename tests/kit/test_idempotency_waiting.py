"""Keys whose first request is still at work, or had to begin again."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit import idempotency, worker
from kit.db import Database
from kit.idempotency import Claim
from kit.pages import Row
from shop.repository import orders
from tests.kit.rush import census, code_of, effect, until_waiting, waiting
from tests.shop.test_carts import put
from tests.support.clients import Client, problem
from tests.support.keys import APPLICATIONS, again, application, is_first, keys, post
from tests.support.shops import add_offers, lines, one_of_each, run
from tests.users import conftest as users
from tests.users.conftest import House

pytestmark = pytest.mark.concurrent

house = users.house

OFFER = text("SELECT FROM offers WHERE id = :id FOR UPDATE")
ONE_LINE = {"orders": 1, "order_items": 1, "events": 1, "stock": -1}
OLD = "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'"
MEETING = 5.0  # seconds


async def alices(house: House) -> tuple[Client, Client]:
    """Sign a user in on both workers."""
    await house.add("alice")
    return await house.enter("alice", 0), await house.enter("alice", 1)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the key of each attempt to be the first."""
    found: list[str] = []
    look = idempotency._is_first

    async def looked(session: AsyncSession, claim: Claim) -> bool:
        found.append(claim.key)
        return await look(session, claim)

    monkeypatch.setattr(idempotency, "_is_first", looked)
    return found


class TestRequestInProgress:
    async def test_is_said_of_a_first_request_that_takes_long(
        self, house: House, other_database: Database
    ) -> None:
        (one, two), (offer_id,) = await alices(house), await add_offers(house.database, 1)
        await put(one, offer_id, 1)
        before = await census(house.database)
        async with other_database.writing() as slow:
            await slow.execute(OFFER, {"id": offer_id})
            working = asyncio.ensure_future(post(one, "a"))
            await until_waiting(house.database, 1)
            refused = await post(two, "a")
            assert not working.done()
        await problem(refused, 409, "request-in-progress")
        assert (refused.headers["Retry-After"], is_first(refused)) == ("1", True)
        first = await working
        assert first.status == 201
        await again(first, await post(two, "a"))
        assert effect(before, await census(house.database)) == ONE_LINE

    async def test_is_not_said_when_it_ends_in_time(
        self, house: House, other_database: Database, looks: list[str]
    ) -> None:
        (one, two), (offer_id,) = await alices(house), await add_offers(house.database, 1)
        before, body = await census(house.database), lines((offer_id, 1))
        async with other_database.writing() as slow:
            await slow.execute(OFFER, {"id": offer_id})
            working = asyncio.ensure_future(post(one, "a", json=body))
            await until_waiting(house.database, 1)
            asking = asyncio.ensure_future(post(two, "a", json=body))
            other = asyncio.ensure_future(post(two, "a", json=lines((offer_id, 2))))
            for _ in range(100):
                if len(looks) >= 6:
                    break
                await asyncio.sleep(0.01)
            assert await waiting(house.database) == 1  # who looks again and again holds nothing
        first = await working
        assert first.status == 201
        await again(first, await asking)
        await problem(await other, 422, "idempotency-key-reused")
        assert effect(before, await census(house.database)) == ONE_LINE

    async def test_has_one_effect_also_when_its_client_has_gone(
        self, house: House, other_database: Database
    ) -> None:
        (one, two), (offer_id,) = await alices(house), await add_offers(house.database, 1)
        before, body = await census(house.database), lines((offer_id, 1))
        async with other_database.writing() as slow:
            await slow.execute(OFFER, {"id": offer_id})
            leaving = asyncio.ensure_future(post(one, "a", json=body))
            await until_waiting(house.database, 1)
            leaving.cancel()  # the tests' server cancels the handler then, the service's does not
            asking = asyncio.ensure_future(post(two, "a", json=body))
            await until_waiting(house.database, 1)
        assert (await asking).status == 201
        assert not is_first(await post(two, "a", json=body))
        assert effect(before, await census(house.database)) == ONE_LINE

    async def test_or_that_the_database_is_busy_leaves_the_key_free(
        self, house: House, other_database: Database
    ) -> None:
        (one, two), (offer_id,) = await alices(house), await add_offers(house.database, 1)
        before, body = await census(house.database), lines((offer_id, 1))
        async with other_database.writing() as stuck:
            await stuck.execute(OFFER, {"id": offer_id})
            working = asyncio.ensure_future(post(one, "a", json=body))
            await until_waiting(house.database, 1)
            second = await post(two, "a", json=body)
            await problem(await working, 503, "database-unavailable")
            assert await code_of(second) in ("database-unavailable", "request-in-progress")
            assert second.headers["Retry-After"]
        assert (effect(before, await census(house.database)), await keys(house.database)) == (
            {},
            0,
        )
        placed = await post(two, "a", json=body)
        assert (placed.status, is_first(placed)) == (201, True)
        await again(placed, await post(one, "a", json=body))
        assert effect(before, await census(house.database)) == ONE_LINE


class Circle:
    """Take stock so that the first two orders wait for each other."""

    def __init__(self) -> None:
        self.tries = 0
        self._take_stock = orders.take_stock
        self._meeting = asyncio.Barrier(2)

    async def take_stock(self, session: AsyncSession, wanted: Mapping[int, int]) -> Sequence[Row]:
        """Lock the offers in the order in which the client names them."""
        self.tries += 1
        if self.tries <= 2:
            await session.execute(text("SET LOCAL deadlock_timeout = '5ms'"))
            for offer_id in wanted:
                await session.execute(OFFER, {"id": offer_id})
                if offer_id == next(iter(wanted)):
                    async with asyncio.timeout(MEETING):
                        await self._meeting.wait()
        return await self._take_stock(session, wanted)


class TestDeadlock:
    async def test_under_a_key_has_one_effect(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clients, offers = await alices(house), await add_offers(house.database, 2)
        bodies = [one_of_each(offers), one_of_each(offers[::-1])]
        before, circle = await census(house.database), Circle()
        monkeypatch.setattr(orders, "take_stock", circle.take_stock)
        requests = list(zip(clients, "ab", bodies, strict=True))
        placed = await asyncio.gather(*(post(c, key, json=body) for c, key, body in requests))
        assert circle.tries == 3
        for first, (client, key, body) in zip(placed, requests, strict=True):
            assert first.status == 201
            await again(first, await post(client, key, json=body))
        two = {"orders": 2, "order_items": 4, "events": 2, "stock": -4}
        assert effect(before, await census(house.database)) == two


class TestOldKey:
    async def test_that_is_used_while_old_ones_are_taken_out_stays(
        self, house: House, other_database: Database
    ) -> None:
        one, two = house.visit(0), house.visit(1)
        await post(one, "a", APPLICATIONS, json=application())
        await run(house.database, OLD)
        async with other_database.writing() as slow:
            await slow.execute(text("LOCK applications IN SHARE MODE"))
            working = asyncio.ensure_future(post(one, "a", APPLICATIONS, json=application()))
            await until_waiting(house.database, 1)
            pruning = asyncio.ensure_future(worker.prune(house.database))
            meeting = asyncio.ensure_future(until_waiting(house.database, 2))
            await asyncio.wait({pruning, meeting}, return_when=asyncio.FIRST_COMPLETED)
            meeting.cancel()  # who does not wait for the other is done
        renewed = await working
        assert (await pruning)["idempotency_keys"] == 0
        await again(renewed, await post(two, "a", APPLICATIONS, json=application()))
