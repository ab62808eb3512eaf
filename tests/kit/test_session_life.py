"""How long a session lives: while used, within its lifetime, never with a bad record."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis import asyncio as aioredis

from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.kit.records import everything, immortal, key_of, now
from tests.support.clients import Client, add_user, problem, sign_in
from tests.users.forms import ME, SESSIONS

IDLE, LIFETIME = 24 * 3600, 14 * 24 * 3600
NUMBERS = ["", "abc", "-1", "1.5", "1e3", "0x1", "٣", "1\n", "\x00", b"\xff", "9" * 20, "9" * 400]
FIELDS = ["user_id", "epoch", "created_at", "last_seen_at", "is_staff"]


async def refused(client: Client, redis: aioredis.Redis, key: str) -> None:
    """Assert that the client is a guest again and that the record is gone."""
    await problem(await client.get(ME), 401, "not-signed-in")
    assert not await redis.exists(key)
    await problem(await client.get(SESSIONS), 401, "not-signed-in")


class TestIdle:
    async def test_ends_a_session_that_nobody_used(
        self, alice: Client, redis: aioredis.Redis
    ) -> None:
        key = key_of(alice)
        await redis.hset(key, "last_seen_at", now() - IDLE)
        await refused(alice, redis, key)

    async def test_spares_one_that_was_used_in_time(
        self, alice: Client, redis: aioredis.Redis
    ) -> None:
        await redis.hset(key_of(alice), "last_seen_at", now() - IDLE + 10)
        assert (await alice.get(ME)).status == 200
        assert int(await redis.hget(key_of(alice), "last_seen_at") or 0) >= now() - 2
        assert await redis.ttl(key_of(alice)) > IDLE - 10

    async def test_is_kept_by_redis_itself(
        self,
        settings: Settings,
        house_database: Database,
        visit_at: VisitAt,
        redis: aioredis.Redis,
    ) -> None:
        await add_user(house_database, "dora")
        brief = replace(settings, session_idle=timedelta(seconds=5))
        client = await visit_at(brief, house_database)
        await sign_in(client, "dora")
        assert 0 < await redis.pttl(key_of(client)) <= 5000
        await redis.hset(key_of(client), "last_seen_at", now() - 5)
        await refused(client, redis, key_of(client))


class TestLifetime:
    async def test_ends_a_session_however_active(
        self, alice: Client, redis: aioredis.Redis
    ) -> None:
        key = key_of(alice)
        await redis.hset(key, "created_at", now() - LIFETIME)
        await refused(alice, redis, key)

    async def test_bounds_the_time_to_live(self, alice: Client, redis: aioredis.Redis) -> None:
        key = key_of(alice)
        await redis.hset(
            key, mapping={"created_at": now() - LIFETIME + 30, "last_seen_at": now() - 61}
        )
        assert (await alice.get(ME)).status == 200
        assert 0 < await redis.ttl(key) <= 30
        assert await immortal(redis) == []

    async def test_bounds_that_of_a_new_session(
        self,
        settings: Settings,
        house_database: Database,
        visit_at: VisitAt,
        redis: aioredis.Redis,
    ) -> None:
        await add_user(house_database, "dora")
        seconds = timedelta(seconds=7)
        client = await visit_at(
            replace(settings, session_idle=seconds, session_lifetime=seconds), house_database
        )
        response = await sign_in(client, "dora")
        assert "Max-Age=7;" in response.headers["Set-Cookie"]
        assert all([0 < await redis.ttl(key) <= 7 for key in await everything(redis)])


class TestSliding:
    async def test_writes_once_a_minute_at_most(
        self, alice: Client, redis: aioredis.Redis
    ) -> None:
        key = key_of(alice)
        for ago, written in ((0, False), (30, False), (58, False), (61, True)):
            seen = now() - ago
            await redis.hset(key, "last_seen_at", seen)
            await redis.expire(key, 1000)
            assert (await alice.get(ME)).status == 200
            slid = await redis.ttl(key) > 1000
            stored = int(await redis.hget(key, "last_seen_at") or 0)
            assert (slid, stored != seen) == (written, written), ago


async def _write(redis: aioredis.Redis, key: str, kind: str) -> None:
    """Replace a record by something of another kind."""
    await redis.delete(key)
    command = [key if word == "KEY" else word for word in KINDS[kind]]
    await redis.execute_command(*command)  # type: ignore[no-untyped-call]
    await redis.expire(key, 600)


KINDS: dict[str, list[str | bytes]] = {
    "text": ["SET", "KEY", "x"],
    "bytes": ["SET", "KEY", b"\xff\xfe\x00"],
    "json": ["SET", "KEY", '{"created": 1, "session": {"user_id": 1}}'],
    "list": ["RPUSH", "KEY", "user_id", "1"],
    "set": ["SADD", "KEY", "user_id"],
    "zset": ["ZADD", "KEY", "1", "user_id"],
    "stream": ["XADD", "KEY", "*", "user_id", "1"],
    "other fields": ["HSET", "KEY", "x", "y"],
}


class TestCorruptRecord:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_of_another_kind_is_no_session(
        self, alice: Client, redis: aioredis.Redis, kind: str
    ) -> None:
        key = key_of(alice)
        await _write(redis, key, kind)
        await refused(alice, redis, key)

    @pytest.mark.parametrize("field", FIELDS)
    async def test_with_a_bad_field_is_no_session(
        self, alice: Client, redis: aioredis.Redis, field: str
    ) -> None:
        key = key_of(alice)
        whole: dict[Any, Any] = await redis.hgetall(key)
        await redis.hdel(key, field)
        await refused(alice, redis, key)
        for value in NUMBERS:
            await redis.hset(key, mapping=whole | {field: value})
            await refused(alice, redis, key)

    @pytest.mark.parametrize("field", ["user_id", "created_at", "last_seen_at"])
    async def test_beyond_all_bounds_is_no_session(
        self, alice: Client, redis: aioredis.Redis, field: str
    ) -> None:
        key = key_of(alice)
        whole: dict[Any, Any] = await redis.hgetall(key)
        for value in ("9" * 19, str(2**63)):
            await redis.hset(key, mapping=whole | {field: value})
            await refused(alice, redis, key)

    @pytest.mark.parametrize("kind", [*KINDS, "no device", "far away"])
    async def test_of_another_device_hides_no_others(
        self, alice: Client, visit: Callable[[], Client], redis: aioredis.Redis, kind: str
    ) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        key = key_of(elsewhere)
        if kind == "no device":
            await redis.hdel(key, "ip", "user_agent")
        elif kind == "far away":
            await redis.hset(key, mapping={"created_at": "9" * 19, "last_seen_at": "x"})
        else:
            await _write(redis, key, kind)
        response = await alice.get(SESSIONS)
        assert response.status == 200, await response.text()
        items = (await response.json())["items"]
        assert [item["current"] for item in items if item["current"]] == [True]
