"""A reader's late write to the cache, swept around a change: no older card stays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis import asyncio as aioredis

from kit.cache import Cache
from tests.kit.events import tell
from tests.users.cards import People, gather_people, rename
from tests.users.conftest import House
from tests.users.naive_caches import delete_afterwards, fill_anyway

pytestmark = pytest.mark.concurrent

BOUND = 10.0  # seconds
LAST = "after the answer"
DELAYS = [*range(0, 101, 10), LAST]  # milliseconds from the read of the row to the fill

Fill = Callable[[Cache, str, list[Any]], Awaitable[None]]


class LateFill:
    """Hold the first fill for so long, or until it is let go."""

    def __init__(self, patch: pytest.MonkeyPatch, delay: int | str, fill: Fill | None) -> None:
        """fill: what is done instead of the genuine one."""
        self._arrived, self._gate = asyncio.Event(), asyncio.Event()
        self._delay = delay
        genuine = Cache._try

        async def late(cache: Cache, script: Any, name: str, args: list[Any]) -> None:
            if script is not cache._fill:
                return await genuine(cache, script, name, args)
            await self._wait()
            if fill is None:
                return await genuine(cache, script, name, args)
            return await fill(cache, name, args)

        patch.setattr(Cache, "_try", late)

    async def _wait(self) -> None:
        if self._arrived.is_set():
            return
        self._arrived.set()
        if isinstance(self._delay, int):
            await asyncio.sleep(self._delay / 1000)
        else:
            await self._gate.wait()

    async def arrival(self) -> None:
        """Wait until a row has been read and is about to be cached."""
        async with asyncio.timeout(BOUND):
            await self._arrived.wait()

    def let_go(self) -> None:
        """Let the fill go on that waits for the answer."""
        self._gate.set()


async def read_late(
    people: People, redis: aioredis.Redis, delay: int | str, worker: int, fill: Fill | None
) -> bool:
    """Read before a change, cache it later; tell whether anybody sees the older card then."""
    new = f"Name {delay}, worker {worker}"
    await redis.delete(people.key)
    with pytest.MonkeyPatch.context() as patch:
        late = LateFill(patch, delay, fill)
        reading = asyncio.ensure_future(people.readers[worker].get(people.address))
        await late.arrival()
        await rename(people.writer, new)
        late.let_go()
        if delay == LAST:
            await reading
        shown = await people.read()
        await reading
        shown += await people.read()
    return set(shown) != {new}


async def sweep(house: House, redis: aioredis.Redis, fill: Fill | None = None) -> list[int | str]:
    """Delay a fill on each worker by more and more; return which delays show an older card."""
    people = await gather_people(house)
    return [
        delay
        for delay in DELAYS
        for worker in (0, 1)
        if await read_late(people, redis, delay, worker, fill)
    ]


class TestLateFill:
    async def test_never_leaves_an_older_card(self, house: House, redis: aioredis.Redis) -> None:
        stale = await sweep(house, redis)
        tell("fills after a delay in ms that leave an older card", stale)
        assert stale == []

    async def test_shows_the_loss_when_changes_delete_and_fills_do_not_compare(
        self, house: House, redis: aioredis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Cache, "changing", delete_afterwards)
        stale = await sweep(house, redis, fill_anyway)
        tell("fills after a delay in ms that leave an older card, deleted after commit", stale)
        assert LAST in stale
