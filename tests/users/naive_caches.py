"""The cache with its guards removed: what it does then must show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kit.cache import DOUBTED, TTL, Cache, Change


@asynccontextmanager
async def delete_afterwards(cache: Cache, name: str) -> AsyncIterator[Change]:
    """Delete the entry after the commit, and that is all."""
    yield Change()
    await cache._redis.delete(Cache.key(name))


async def fill_anyway(cache: Cache, name: str, args: list[Any]) -> None:
    """Write what was read, whatever lies there by now."""
    version, body, _, ttl = args
    await cache._redis.hset(Cache.key(name), mapping={"version": version, "body": body})
    await cache._redis.expire(Cache.key(name), ttl)


@asynccontextmanager
async def without_doubt(cache: Cache, name: str) -> AsyncIterator[Change]:
    """Settle the entry after the commit, with nothing said before."""
    change = Change()
    yield change
    assert change.entry is not None
    args = [change.entry.version, change.entry.to_json(), TTL, DOUBTED]
    await cache._try(cache._settle, name, args)
