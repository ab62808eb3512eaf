"""Many requests that are inside the house at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 10  # half as many as there are connections to Redis
BOUND = 60.0  # seconds


class Gate:
    """Hold whoever arrives inside until all are there."""

    def __init__(self) -> None:
        self._arrived, self._open = asyncio.Semaphore(0), asyncio.Event()

    async def wait(self) -> None:
        """Arrive, and go on when the gate opens."""
        self._arrived.release()
        await self._open.wait()

    async def fill(
        self, number: int, ask: Callable[[], Awaitable[T]], turned_away: T
    ) -> list[asyncio.Task[T]]:
        """Let so many arrive, a few at a time.

        turned_away: what a busy house answers before anybody has arrived: then he asks again.
        """

        async def persist() -> T:
            answer = await ask()
            while answer == turned_away and not self._open.is_set():
                answer = await ask()
            return answer

        flying: list[asyncio.Task[T]] = []
        async with asyncio.timeout(BOUND):
            while len(flying) < number:
                flying += [asyncio.create_task(persist()) for _ in range(AT_ONCE)]
                for _ in range(AT_ONCE):
                    await self._arrived.acquire()
        return flying

    def open(self) -> None:
        """Let all go on."""
        self._open.set()
