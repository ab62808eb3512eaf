"""What the tests of the cache share: a row that can be loaded and changed, and its entry."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from redis import asyncio as aioredis

from kit.cache import TTL, Cache, Entry

NAME = "thing/1"
KEY = "cache:thing/1"
DOUBTS = f"{KEY}:doubts"


@dataclass
class Row:
    """Stand for a row: its version, what is shown of it, and how often it was read."""

    version: int = 1
    body: dict[str, Any] | None = field(default_factory=lambda: {"text": "one"})
    loads: int = 0

    async def load(self) -> Entry:
        """Read the row."""
        self.loads += 1
        return Entry(self.version, self.body)

    def change(self, text: str) -> None:
        """Commit a change."""
        self.version += 1
        self.body = {"text": text}


class SlowRow(Row):
    """A row whose first reader has his answer only when he is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.gate = asyncio.Event(), asyncio.Event()

    async def load(self) -> Entry:
        """Read the row."""
        entry = await super().load()
        if not self.read.is_set():
            self.read.set()
            await self.gate.wait()
        return entry


async def change(cache: Cache, row: Row, text: str) -> None:
    """Change the row as a view does."""
    async with cache.changing(NAME) as change:
        row.change(text)
        change.leads_to(row.version, row.body)


async def shown(cache: Cache, row: Row) -> Any:
    """Return the text that the cache shows, None when the row is gone."""
    body = await cache.through(NAME, row.load)
    return body and body["text"]


async def entry(redis: aioredis.Redis) -> dict[str, str]:
    """Return the fields of the entry in Redis."""
    found: dict[Any, Any] = await redis.hgetall(KEY)
    return {name.decode(): value.decode() for name, value in found.items()}


async def fill(cache: Cache, version: int, text: str, ahead: int = 60) -> int:
    """Cache what was read, in time by so many seconds; return 1 when it was taken."""
    until = int((await cache._redis.time())[0]) + ahead
    body = Entry(version, {"text": text}).to_json()
    return int(await cache._fill(keys=[KEY], args=[version, body, until, TTL]))
