"""Cached entries: hit, miss and fill, versions that only grow, a time to live."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from redis import asyncio as aioredis

from kit.cache import DOUBTED, FILL_WITHIN, TTL, Cache, Entry
from kit.errors import Conflict
from tests.kit.caching import DOUBTS, KEY, NAME, Row, SlowRow, entry, fill, shown

BOUND = 5.0  # seconds


class TestThrough:
    async def test_reads_the_row_once(self, cache: Cache, row: Row) -> None:
        assert [await shown(cache, row) for _ in range(3)] == ["one"] * 3
        assert row.loads == 1

    async def test_serves_all_processes(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        await shown(cache, row)
        assert await shown(Cache(redis), row) == "one"
        assert row.loads == 1

    async def test_gives_the_same_from_the_cache_and_from_the_row(self, cache: Cache) -> None:
        body = {"text": "Анна", "day": date(1999, 12, 31), "none": None, "id": 2**63 - 1}
        row = Row(body={**body, "time": datetime(2020, 1, 2, tzinfo=UTC)})
        first, second = [await cache.through(NAME, row.load) for _ in range(2)]
        assert first == second
        assert first == {**body, "day": "1999-12-31", "time": "2020-01-02T00:00:00Z"}

    async def test_remembers_who_is_gone(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        row.body = None
        assert [await shown(cache, row) for _ in range(3)] == [None] * 3
        assert row.loads == 1
        assert await entry(redis) == {"version": "1", "body": ""}

    async def test_remembers_nobody_who_never_was(
        self, cache: Cache, redis: aioredis.Redis
    ) -> None:
        async def nothing() -> None:
            return None

        assert await cache.through(NAME, nothing) is None
        assert await redis.keys() == []

    async def test_raises_what_the_load_raises_and_caches_nothing(
        self, cache: Cache, redis: aioredis.Redis
    ) -> None:
        async def fail() -> Entry:
            raise Conflict

        with pytest.raises(Conflict):
            await cache.through(NAME, fail)
        assert await redis.keys() == []


class TestFill:
    @pytest.mark.parametrize(("version", "taken"), [(1, 0), (2, 1), (3, 1), (10, 1)])
    async def test_never_takes_an_older_version(
        self, cache: Cache, row: Row, version: int, taken: int
    ) -> None:
        assert await fill(cache, 2, "two") == 1
        assert await fill(cache, version, "other") == taken
        assert await shown(cache, row) == ("other" if taken else "two")

    @pytest.mark.parametrize(("ahead", "taken"), [(-1, 0), (60, 1)])
    async def test_comes_in_time_or_not_at_all(
        self, cache: Cache, redis: aioredis.Redis, ahead: int, taken: int
    ) -> None:
        assert await fill(cache, 1, "one", ahead) == taken
        assert await redis.exists(KEY) == taken

    async def test_of_a_slow_reader_is_refused(
        self, cache: Cache, redis: aioredis.Redis, row: Row, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.cache.FILL_WITHIN", -1)
        assert [await shown(cache, row) for _ in range(2)] == ["one"] * 2
        assert (row.loads, await redis.keys()) == (2, [])

    def test_ends_before_any_doubt_does(self) -> None:
        assert FILL_WITHIN + 1 < DOUBTED < TTL  # 1: the clock of Redis is read in whole seconds


class TestOutdate:
    @pytest.mark.parametrize(("version", "loads"), [(1, 1), (2, 2), (7, 2)])
    async def test_takes_away_what_is_older(
        self, cache: Cache, row: Row, version: int, loads: int
    ) -> None:
        await shown(cache, row)
        await cache.outdate(NAME, version)
        await shown(cache, row)
        assert row.loads == loads

    async def test_keeps_out_a_late_fill(self, cache: Cache) -> None:
        row = SlowRow()
        async with asyncio.timeout(BOUND):
            reading = asyncio.create_task(shown(cache, row))
            await row.read.wait()
            row.change("two")
            await cache.outdate(NAME, 2)
            row.gate.set()
            await reading
            assert await shown(cache, row) == "two"

    async def test_ends_no_doubt_and_does_not_make_it_last(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        async with cache.changing(NAME):
            await cache.outdate(NAME, 7)
            assert await entry(redis) == {"version": "7"}
            assert await redis.scard(DOUBTS) == 1
            assert 0 < await redis.ttl(DOUBTS) <= DOUBTED


class TestEntries:
    async def test_always_have_a_time_to_live(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        async def live(**most: int) -> None:
            assert {*await redis.keys()} == {key.encode() for key in most}
            for key, limit in most.items():
                assert limit - 10 <= await redis.ttl(key) <= limit

        await shown(cache, row)
        await live(**{KEY: TTL})
        async with cache.changing(NAME):
            await live(**{KEY: TTL, DOUBTS: DOUBTED})
            async with cache.changing(NAME):
                await live(**{KEY: TTL, DOUBTS: DOUBTED})
            await live(**{KEY: TTL, DOUBTS: DOUBTED})
        await live(**{KEY: TTL})
        await cache.outdate(NAME, 9)
        await live(**{KEY: TTL})
        await redis.delete(KEY)
        await cache.outdate(NAME, 9)
        await live(**{KEY: TTL})

    async def test_are_forgotten_all_at_once(
        self, cache: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        for number in range(50):
            await cache.through(f"thing/{number}", row.load)
        await redis.set("session:x", "y", ex=60)
        await cache.clear()
        assert await redis.keys() == [b"session:x"]
