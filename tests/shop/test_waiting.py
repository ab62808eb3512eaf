"""What a buyer gets who had to wait for somebody else's transaction."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import text

from kit.db import Database
from shop.errors import OutOfStock
from shop.service import orders
from tests.shop.races import PLACED, Race, until_one_waits
from tests.support.clients import add_user
from tests.support.shops import lines, run

pytestmark = pytest.mark.concurrent

DELIVERY = text("UPDATE offers SET available = available + 1 WHERE id = :id")


@pytest_asyncio.fixture
async def sold_out(busy_database: Database) -> Race:
    """Offer two books: ten copies of the first, none of the second."""
    race = await Race.over(busy_database, await add_user(busy_database, "buyer"), 2, 10)
    await run(
        busy_database, "UPDATE offers SET available = 0 WHERE id = :id", id=race.offer_ids[1]
    )
    race.start[race.offer_ids[1]] = 0
    return race


class TestWaiting:
    async def test_for_a_delivery_is_rewarded(
        self, busy_database: Database, sold_out: Race
    ) -> None:
        plenty, offer_id = sold_out.offer_ids
        async with busy_database.writing() as delivery:
            await delivery.execute(DELIVERY, {"id": offer_id})
            buying = asyncio.ensure_future(sold_out.buyer((plenty, 1), (offer_id, 1))())
            await until_one_waits(busy_database)
        sold_out.restocked[offer_id] = 1
        assert await buying == PLACED
        assert await sold_out.losses({plenty: 1, offer_id: 1}) == []

    async def test_for_a_delivery_that_is_too_small_tells_what_is_there_now(
        self, busy_database: Database, sold_out: Race
    ) -> None:
        plenty, offer_id = sold_out.offer_ids
        async with busy_database.writing() as delivery:
            await delivery.execute(DELIVERY, {"id": offer_id})
            buying = asyncio.ensure_future(sold_out.buyer((plenty, 1), (offer_id, 2))())
            await until_one_waits(busy_database)
        with pytest.raises(OutOfStock) as refusal:
            await buying
        (complaint,) = refusal.value.errors
        assert (complaint["requested"], complaint["available"]) == (2, 1)

    async def test_for_the_last_copy_in_vain_tells_that_it_is_gone(
        self, busy_database: Database
    ) -> None:
        user_id = await add_user(busy_database, "buyer")
        race = await Race.over(busy_database, user_id, offers=1, copies=1)
        (offer_id,) = race.offer_ids
        async with busy_database.writing() as first:
            await orders.place_order(first, user_id, lines((offer_id, 1))["items"])
            buying = asyncio.ensure_future(race.buyer((offer_id, 1))())
            await until_one_waits(busy_database)
        with pytest.raises(OutOfStock) as refusal:
            await buying
        (complaint,) = refusal.value.errors
        assert (complaint["requested"], complaint["available"]) == (1, 0)
        assert await race.losses({offer_id: 2}) == []
