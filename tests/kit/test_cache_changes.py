"""An entry while its row changes: in doubt for everybody, then settled with the new version."""

import asyncio
from typing import Any

import pytest
from redis import asyncio as aioredis

from kit.cache import DOUBTED, Cache, Look
from kit.errors import Conflict
from kit.flights import Flights
from tests.kit.caching import DOUBTS, NAME, Row, SlowRow, change, entry, fill, shown

BOUND = 5.0  # seconds


class TestChanging:
    async def test_leaves_the_new_entry(self, cache: Cache, row: Row) -> None:
        await shown(cache, row)
        await change(cache, row, "two")
        assert (await shown(cache, row), row.loads) == ("two", 1)

    async def test_leaves_the_news_that_somebody_is_gone(self, cache: Cache, row: Row) -> None:
        await shown(cache, row)
        async with cache.changing(NAME) as changed:
            changed.leads_to(2, None)
        assert (await shown(cache, row), row.loads) == (None, 1)

    async def test_leaves_the_entry_when_nothing_was_changed(self, cache: Cache, row: Row) -> None:
        await shown(cache, row)
        async with cache.changing(NAME) as changed:
            changed.leads_to(row.version, row.body)
        assert (await shown(cache, row), row.loads) == ("one", 1)

    async def test_lets_everybody_read_the_row_meanwhile(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        await shown(cache, row)
        async with cache.changing(NAME):
            assert [await shown(cache, row) for _ in range(3)] == ["one"] * 3
            assert row.loads == 4
            assert "body" not in await entry(redis)
            assert await fill(cache, 9, "late") == 0

    async def test_keeps_out_who_read_before(self, cache: Cache) -> None:
        row = SlowRow()
        async with asyncio.timeout(BOUND):
            reading = asyncio.create_task(shown(cache, row))
            await row.read.wait()
            await change(cache, row, "two")
            row.gate.set()
            assert await reading == "one"  # he came before
            assert await shown(cache, row) == "two"

    async def test_waits_for_the_last_of_two_writers(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        async with cache.changing(NAME) as slow:
            async with cache.changing(NAME) as quick:
                quick.leads_to(3, {"text": "three"})
            assert await redis.scard(DOUBTS) == 1
            row.change("two")
            row.change("three")
            assert [await shown(cache, row) for _ in range(2)] == ["three"] * 2
            assert row.loads == 2
            slow.leads_to(2, {"text": "two"})
        assert [await shown(cache, row) for _ in range(2)] == ["three"] * 2
        assert row.loads == 3  # the quick one could not leave a body behind
        assert not await redis.exists(DOUBTS)

    async def test_is_over_when_it_was_refused(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        with pytest.raises(Conflict):
            async with cache.changing(NAME):
                raise Conflict
        assert not await redis.exists(DOUBTS)
        assert [await shown(cache, row) for _ in range(2)] == ["one"] * 2
        assert row.loads == 1

    @pytest.mark.parametrize("error", [OSError, asyncio.CancelledError])
    async def test_leaves_the_doubt_when_nobody_knows_how_it_ended(
        self, cache: Cache, redis: aioredis.Redis, row: Row, error: type[BaseException]
    ) -> None:
        with pytest.raises(error):
            async with cache.changing(NAME):
                raise error
        assert [await shown(cache, row) for _ in range(2)] == ["one"] * 2
        assert row.loads == 2
        assert 0 < await redis.ttl(DOUBTS) <= DOUBTED


class TestLateSettlement:
    async def test_shows_nothing_for_it_may_be_older_than_what_was_forgotten(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        async with cache.changing(NAME) as late:
            await redis.flushall()  # as if all had run out
            late.leads_to(2, {"text": "two"})
            row.version, row.body = 3, {"text": "three"}  # by somebody who was answered
        assert [await shown(cache, row) for _ in range(2)] == ["three"] * 2


async def read_during_a_read(cache: Cache) -> str:
    """Read while an older read is under way and nothing is cached; return what that gives."""
    row, missed = SlowRow(), Look()
    async with asyncio.timeout(BOUND):
        first = asyncio.create_task(cache.through(NAME, row.load, missed))
        await row.read.wait()
        row.change("two")
        second = asyncio.create_task(cache.through(NAME, row.load, missed))
        await asyncio.sleep(0)  # it has joined, for it has looked already
        row.gate.set()
        assert await first == {"text": "one"}
        return str(await second)


class TestSharedRead:
    async def test_is_never_older_than_who_shares_it(self, cache: Cache) -> None:
        assert "two" in await read_during_a_read(cache)

    async def test_shows_the_loss_when_the_running_one_is_shared(
        self, cache: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        genuine = Flights.join

        async def join_running(flights: Flights[Any], name: str, load: Any) -> Any:
            if name in flights._running:
                return await asyncio.shield(flights._running[name])
            return await genuine(flights, name, load)

        monkeypatch.setattr(Flights, "join", join_running)
        assert "one" in await read_during_a_read(cache)
