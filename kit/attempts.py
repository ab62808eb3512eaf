"""Let a visitor guess only so often: what succeeds is not counted (OWASP ASVS 5.0, 6.3.1)."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil

from aiohttp import web

from kit.errors import Exhausted, Failure
from kit.limits import Limiter, Ticket

HOLD = 8.0  # seconds, longer than an attempt takes; then a call that nobody settles is forgotten
QUEUE = 5.0  # seconds to wait for attempts under way, which may turn out to be right
LOOK = 0.1  # seconds between two looks


class Attempts:
    """Take the tickets of an attempt before it is made, and give them back when it succeeds."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    @asynccontextmanager
    async def one(
        self, tickets: Sequence[Ticket], *, wrong: type[Failure], too_many: type[Exhausted]
    ) -> AsyncIterator[None]:
        """Make one attempt in the block; it counts when the block raises `wrong`.

        Raises:
            Exhausted: as `too_many`, when one of the tickets is used up.
        """
        token = await self._take(tickets, too_many)
        try:
            yield
        except (wrong, asyncio.CancelledError):  # who hangs up does not get his guess back
            await self._limiter.settle(tickets, token, counts=True)
            raise
        except Exception:  # nothing was learned from it
            await self._limiter.settle(tickets, token, counts=False)
            raise
        await self._limiter.settle(tickets, token, counts=False)

    async def _take(self, tickets: Sequence[Ticket], too_many: type[Exhausted]) -> str:
        """Wait while attempts that are under way anywhere fill the limit: they may be right."""
        deadline = time.monotonic() + QUEUE
        while True:
            verdict = await self._limiter.take(tickets, HOLD)
            if not verdict.wait:
                return verdict.token
            if not verdict.undecided or time.monotonic() > deadline:
                raise too_many(retry_after=ceil(verdict.wait))
            await asyncio.sleep(LOOK)


ATTEMPTS = web.AppKey("ATTEMPTS", Attempts)
