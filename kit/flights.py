"""Let callers that want the same thing share one load, which begins after each of them came.

Only an outage is shared with those who came while it was noticed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

from kit.errors import Unavailable
from kit.faults import failure_of

T = TypeVar("T")

Load = Callable[[], Awaitable[T]]


class Flights(Generic[T]):
    """Keep at most one load of each name running and one waiting for its turn.

    Whoever comes while a load runs does not get its result, which may be older than he is: he
    shares the next one.
    """

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[T]] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def join(self, name: str, load: Load[T]) -> T:
        """Return what a load that begins from now on returns, or raise what it raises."""
        if name in self._next:
            flight = self._next[name]
        elif name in self._running:
            flight = self._next[name] = self._task(self._after(self._running[name], name, load))
        else:
            flight = self._task(self._run(name, load))
            self._running[name] = flight
        return await asyncio.shield(flight)  # who hangs up does not end it for the others

    async def _after(self, other: asyncio.Task[T], name: str, load: Load[T]) -> T:
        await asyncio.wait([other])
        self._running[name] = self._next.pop(name)
        return await self._run(name, partial(self._unless_away, other, load))

    async def _unless_away(self, other: asyncio.Task[T], load: Load[T]) -> T:
        """Fail as the load before did when something is away, for nobody wants to wait twice."""
        error = None if other.cancelled() else other.exception()
        if isinstance(error, Exception) and isinstance(failure_of(error), Unavailable):
            raise error
        return await load()

    async def _run(self, name: str, load: Load[T]) -> T:
        try:
            return await load()
        finally:
            del self._running[name]

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        task.add_done_callback(_hear)
        return task


def _hear(task: asyncio.Task[Any]) -> None:
    """Take the error of a load that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
