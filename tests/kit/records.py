"""What the tests of sessions look at: everything that lies in Redis."""

import time
from typing import Any

from redis import asyncio as aioredis

from kit.session import handle_of
from tests.support.clients import Client
from tests.users.forms import cookie_of


def key_of(client: Client) -> str:
    """Return the name of the client's record."""
    return f"session:{handle_of(cookie_of(client))}"


def now() -> int:
    """Return the second of this moment."""
    return int(time.time())


async def content(redis: aioredis.Redis, key: bytes) -> Any:
    """Return what lies under a key."""
    match await redis.type(key):
        case b"hash":
            return await redis.hgetall(key)
        case b"zset":
            return await redis.zrange(key, 0, -1, withscores=True)
        case _:
            return await redis.get(key)


async def everything(redis: aioredis.Redis) -> dict[bytes, Any]:
    """Return all keys with what lies under them, but the counts of the limits."""
    keys = [key async for key in redis.scan_iter() if not key.startswith(b"limit:")]
    return {key: await content(redis, key) for key in keys}


async def immortal(redis: aioredis.Redis) -> list[bytes]:
    """Return the keys that would stay for ever."""
    return [key async for key in redis.scan_iter() if await redis.ttl(key) < 0]
