"""A cache in Redis, shared by all processes, that never shows less than was answered before.

Whoever changes a row puts its entry in doubt, commits, and settles the entry with the new version.
While an entry is in doubt everybody reads the row itself. Whoever reads a row to fill the cache
must do so soon, and an entry of a later version stays: what was read before a change cannot come
in after it. When Redis is cut off between commit and settlement, the doubt outlasts every late
fill, and the event about the change makes the entry's version grow.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from aiohttp import web
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from kit import metrics
from kit.cache_scripts import DOUBT, FILL, LOOK, OUTDATE, SETTLE
from kit.errors import Failure
from kit.flights import Flights
from kit.log import logger
from kit.redis import run_script

TTL = 300  # seconds
FILL_WITHIN = 3  # seconds after a miss
DOUBTED = 20  # seconds, more than a transaction can take

GONE = b""

LOOKUPS = metrics.counter(
    "shop_api_cache_lookups", "What was found in a cache; away: Redis was.", cache=(), result=()
)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold what is shown of a row, and the row's version; `body` is None when it is gone."""

    version: int
    body: Body | None

    def to_json(self) -> bytes:
        """Write the body; what is gone is empty."""
        if self.body is None:
            return GONE
        return orjson.dumps(dict(self.body), option=orjson.OPT_UTC_Z)


@dataclass(frozen=True, slots=True)
class Look:
    """Hold what Redis said of an entry; `fill_until` is None when a fill is not welcome."""

    body: bytes | None = None
    fill_until: int | None = None  # seconds of Redis's own clock
    is_away: bool = False

    @classmethod
    def of(cls, found: Any) -> "Look":
        """Read the answer of the script."""
        body, welcome, now = found
        return cls(body, int(now) + FILL_WITHIN if welcome else None)

    def document(self) -> dict[str, Any] | None:
        """Return what the body says; None when there is none that can be read."""
        try:
            found = orjson.loads(self.body or b"null")
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None


class Change:
    """Remember the entry that a change leads to."""

    entry: Entry | None = None

    def leads_to(self, version: int, body: Body | None) -> None:
        """Say what the row is now, after the commit."""
        self.entry = Entry(version, body)


class Cache:
    """Show entries, fill them, and put them out of date; a name is such as `user/17`."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis = redis
        self._flights: Flights[Entry | None] = Flights()
        self._look = redis.register_script(LOOK)
        self._fill = redis.register_script(FILL)
        self._doubt = redis.register_script(DOUBT)
        self._settle = redis.register_script(SETTLE)
        self._outdate = redis.register_script(OUTDATE)

    @staticmethod
    def key(name: str) -> str:
        """Return the key of an entry in Redis."""
        return f"cache:{name}"

    async def through(
        self, name: str, load: Callable[[], Awaitable[Entry | None]], look: Look | None = None
    ) -> dict[str, Any] | None:
        """Return the body as JSON has it, from the cache or else by `load`; None when gone.

        load: reads the row; None for one that never was. look: what was brought along already.
        """
        if look is None:
            look = await self.look(name)
        known = look.document()
        is_hit = look.body == GONE or known is not None
        result = "hit" if is_hit else "away" if look.is_away else "miss"
        LOOKUPS.of(name.partition("/")[0], result).inc()
        if is_hit:
            return known
        entry = await self._flights.join(name, partial(self._load, name, load, look))
        return Look(entry.to_json()).document() if entry else None

    async def look(self, name: str) -> Look:
        """Return what Redis says; when it is away there is nothing, and nothing to fill."""
        try:
            return Look.of(await run_script(self._look, keys=[self.key(name)]))
        except RedisError as error:
            logger.warning("cache away", cause=type(error).__name__)
            return Look(is_away=True)

    async def _load(
        self, name: str, load: Callable[[], Awaitable[Entry | None]], look: Look
    ) -> Entry | None:
        entry = await load()
        if entry is not None and look.fill_until is not None:
            args = [entry.version, entry.to_json(), look.fill_until, TTL]
            await self._try(self._fill, name, args)
        return entry

    @asynccontextmanager
    async def changing(self, name: str) -> AsyncIterator[Change]:
        """Change a row in the block, which says what the change leads to.

        An error that is no plain refusal may have come after the commit: then the doubt stays.

        Raises:
            RedisError: at the beginning, before anything has happened.
        """
        change, token = Change(), secrets.token_hex(8)
        await run_script(self._doubt, keys=[self.key(name)], args=[token, DOUBTED])
        try:
            yield change
        except Failure:
            await self._try(self._settle, name, [token, "", "", TTL])
            raise
        entry = change.entry
        state = ["", ""] if entry is None else [entry.version, entry.to_json()]
        await self._try(self._settle, name, [token, *state, TTL])

    async def outdate(self, name: str, version: int) -> None:
        """Let nobody see an entry that is older than `version`.

        Raises:
            RedisError: it cannot be done now.
        """
        await run_script(self._outdate, keys=[self.key(name)], args=[version, TTL])

    async def clear(self) -> None:
        """Forget everything."""
        async for key in self._redis.scan_iter(self.key("*"), count=1000):
            await self._redis.unlink(key)

    async def _try(self, script: Any, name: str, args: list[Any]) -> None:
        """Run a script that the answer does not depend on."""
        try:
            await run_script(script, keys=[self.key(name)], args=args)
        except RedisError as error:
            logger.warning("cache not written", cause=type(error).__name__)


CACHE = web.AppKey("CACHE", Cache)
