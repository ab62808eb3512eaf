"""One Redis client with bounds: a dead server costs a second, a busy pool makes callers wait."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import TimeoutError as RedisTimeoutError

from kit.settings import Settings

POOL_SIZE = 20
TIMEOUT = 0.5  # seconds, for connecting, for an answer, and for a place in the pool

SCRIPT_LIMIT = 1.0  # seconds for a script, whatever the client tries on the way

REDIS = web.AppKey("REDIS", aioredis.Redis)


def create_redis(settings: Settings) -> aioredis.Redis:
    """Make the client; it answers bytes and connects at the first command."""
    pool = aioredis.BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=POOL_SIZE,
        timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
    )
    return aioredis.Redis.from_pool(pool)


async def run_script(script: AsyncScript, **arguments: Any) -> Any:
    """Run a Lua script on the server.

    Raises:
        RedisError: the server is away, refuses, or does not answer in time.
    """
    try:
        async with asyncio.timeout(SCRIPT_LIMIT):
            return await script(**arguments)
    except TimeoutError as error:
        raise RedisTimeoutError from error


async def redis_context(app: web.Application) -> AsyncIterator[None]:
    """Close the client when the application ends."""
    yield
    await app[REDIS].aclose()
