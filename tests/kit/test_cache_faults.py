"""The cache in trouble: Redis away or full of rubbish; the row is shown all the same."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from kit.cache import DOUBTED, TTL, Cache
from kit.errors import Conflict
from kit.redis import SCRIPT_LIMIT, create_redis
from kit.settings import Settings
from tests.kit.caching import DOUBTS, KEY, NAME, Row, change, shown
from tests.kit.conftest import Lines
from tests.kit.events import until
from tests.kit.gates import silent_server

FOREIGN: dict[str, list[str | bytes]] = {
    "text": ["SET", KEY, "x"],
    "bytes": ["SET", KEY, b"\xff\xfe\x00"],
    "list": ["RPUSH", KEY, "body", "1"],
    "set": ["SADD", KEY, "body"],
    "sorted set": ["ZADD", KEY, "1", "body"],
    "stream": ["XADD", KEY, "*", "body", "1"],
    "other fields": ["HSET", KEY, "x", "y"],
}
CORRUPT: dict[str, list[str | bytes]] = {
    "no version": ["HSET", KEY, "version", "x"],
    "no text": ["HSET", KEY, "version", "1", "body", b"\xff"],
    "no JSON": ["HSET", KEY, "version", "1", "body", "{"],
    "no object": ["HSET", KEY, "version", "1", "body", "[1]"],
    "no whole version": ["HSET", KEY, "version", "1e3", "body", '{"text":"old"}'],
    "no version at all": ["HSET", KEY, "body", '{"text":"old"}'],
}


@pytest.fixture
async def dead(without_redis: Settings) -> AsyncIterator[Cache]:
    """Give a cache whose Redis refuses connections."""
    client = create_redis(without_redis)
    yield Cache(client)
    await client.aclose()


async def write(redis: aioredis.Redis, command: list[str | bytes]) -> None:
    """Put something where the entry should be."""
    await redis.execute_command(*command)  # type: ignore[no-untyped-call]


class TestRubbish:
    @pytest.mark.parametrize("kind", FOREIGN)
    async def test_of_another_kind_is_a_miss_and_is_gone(
        self, cache: Cache, redis: aioredis.Redis, row: Row, kind: str
    ) -> None:
        await write(redis, FOREIGN[kind])
        assert [await shown(cache, row) for _ in range(3)] == ["one"] * 3
        assert row.loads == 1
        assert 0 < await redis.ttl(KEY) <= TTL

    @pytest.mark.parametrize("what", CORRUPT)
    async def test_in_an_entry_hides_no_row(
        self, cache: Cache, redis: aioredis.Redis, row: Row, what: str
    ) -> None:
        await write(redis, CORRUPT[what])
        assert [await shown(cache, row) for _ in range(3)] == ["one"] * 3
        assert row.loads == 1
        assert 0 < await redis.ttl(KEY) <= TTL

    @pytest.mark.parametrize("what", FOREIGN | CORRUPT)
    async def test_hinders_no_change_and_no_news_of_one(
        self, cache: Cache, redis: aioredis.Redis, row: Row, what: str
    ) -> None:
        rubbish = FOREIGN | CORRUPT
        await write(redis, rubbish[what])
        await change(cache, row, "two")
        assert (await shown(cache, row), row.loads) == ("two", 0)
        await redis.delete(KEY)
        await write(redis, rubbish[what])
        await cache.outdate(NAME, 2)
        assert (await shown(cache, row), row.loads) == ("two", 1)

    @pytest.mark.parametrize("command", [["SET", DOUBTS, "x"], ["HSET", DOUBTS, "x", "y"]])
    async def test_for_doubts_hinders_nobody(
        self, cache: Cache, redis: aioredis.Redis, row: Row, command: list[str | bytes]
    ) -> None:
        await write(redis, command)
        assert await shown(cache, row) == "one"
        await change(cache, row, "two")
        assert [await shown(cache, row) for _ in range(2)] == ["two"] * 2


class TestRedisAway:
    async def test_costs_only_the_cache(self, dead: Cache, row: Row, log_lines: Lines) -> None:
        assert [await shown(dead, row) for _ in range(3)] == ["one"] * 3
        assert row.loads == 3
        told = [(line["event"], line["level"], line["cause"]) for line in log_lines()]
        assert told == [("cache away", "warning", "ConnectionError")] * 3

    async def test_costs_only_a_second_when_it_is_frozen(
        self, settings: Settings, row: Row
    ) -> None:
        async with silent_server() as address:
            client = create_redis(replace(settings, redis_url=f"redis://{address}/0"))
            started = time.monotonic()
            assert await shown(Cache(client), row) == "one"
            assert time.monotonic() - started <= 3 * SCRIPT_LIMIT
            await client.aclose()

    async def test_lets_no_change_begin(self, dead: Cache, row: Row) -> None:
        with pytest.raises(RedisError):
            await change(dead, row, "two")
        assert row.version == 1

    async def test_after_the_commit_is_logged_and_the_doubt_stays(
        self, cache: Cache, dead: Cache, redis: aioredis.Redis, row: Row, log_lines: Lines
    ) -> None:
        await shown(cache, row)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cache, "_settle", dead._settle)
            await change(cache, row, "two")
        told = [(line["event"], line["level"], line["cause"]) for line in log_lines()]
        assert told == [("cache not written", "warning", "ConnectionError")]
        assert [await shown(cache, row) for _ in range(2)] == ["two"] * 2
        assert row.loads == 3
        assert 0 < await redis.ttl(DOUBTS) <= DOUBTED

    async def test_does_not_hide_a_refusal(
        self, cache: Cache, dead: Cache, row: Row, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "_settle", dead._settle)
        with pytest.raises(Conflict):
            async with cache.changing(NAME):
                raise Conflict
        assert await shown(cache, row) == "one"

    async def test_between_a_read_and_its_fill_costs_only_the_fill(
        self, cache: Cache, dead: Cache, row: Row, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "_fill", dead._fill)
        assert [await shown(cache, row) for _ in range(2)] == ["one"] * 2
        assert row.loads == 2

    async def test_is_told_to_who_brings_news(self, dead: Cache) -> None:
        with pytest.raises(RedisError):
            await dead.outdate(NAME, 2)


class TestDoubtThatNobodySettles:
    async def test_ends_by_itself(
        self, cache: Cache, dead: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cache, "_settle", dead._settle)
            await change(cache, row, "two")
        assert await shown(cache, row) == "two"
        assert 0 < await redis.ttl(DOUBTS) <= DOUBTED
        await redis.pexpire(DOUBTS, 1)  # as if that time had passed
        await until(lambda: is_gone(redis))
        assert [await shown(cache, row) for _ in range(3)] == ["two"] * 3
        assert row.loads == 2

    async def test_outlives_the_settling_of_another_change(
        self, cache: Cache, dead: Cache, redis: aioredis.Redis, row: Row
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cache, "_settle", dead._settle)
            await change(cache, row, "two")
        await change(cache, row, "three")
        assert [await shown(cache, row) for _ in range(2)] == ["three"] * 2
        assert row.loads == 2
        assert 0 < await redis.ttl(DOUBTS) <= DOUBTED
        row.change("four")  # by who has not settled, later than the other
        await redis.delete(DOUBTS)  # as if that time had passed
        assert await shown(cache, row) == "four"


async def is_gone(redis: aioredis.Redis) -> bool:
    """Tell whether the doubts are gone."""
    return not await redis.exists(DOUBTS)
