"""Let a visitor guess only so often: what succeeds is not counted (OWASP ASVS 5.0, 6.3.1)."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil

from aiohttp import web

from kit import metrics
from kit.errors import Exhausted, Failure
from kit.limits import Limiter, Ticket

HOLD = 30.0  # seconds, longer than an attempt takes; what nobody settles is then forgotten
QUEUE = 5.0  # seconds to wait for attempts under way, which may turn out to be right
MOST_WAITING = 32  # for one login in this process
LOOK, LONGEST_LOOK = 0.05, 0.5  # seconds between two looks

REFUSALS = metrics.counter("shop_api_rate_limit_refusals", "Calls beyond a limit.", limit=())


class Attempts:
    """Take the tickets of an attempt before it is made, and give them back when it succeeds."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._waiting: Counter[str] = Counter()

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
        deadline, look, key = time.monotonic() + QUEUE, LOOK, tickets[0].key
        while True:
            verdict = await self._limiter.take(tickets, HOLD)
            if not verdict.wait:
                return verdict.token
            late = time.monotonic() > deadline or self._waiting[key] >= MOST_WAITING
            if late or not verdict.undecided:
                REFUSALS.of(tickets[0].name).inc()
                raise too_many(retry_after=ceil(verdict.wait))
            self._waiting[key] += 1
            try:
                await asyncio.sleep(look)
            finally:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    del self._waiting[key]
            look = min(look * 2, LONGEST_LOOK)


ATTEMPTS = web.AppKey("ATTEMPTS", Attempts)
