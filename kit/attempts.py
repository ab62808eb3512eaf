"""Let a visitor guess only so often: what succeeds is not counted (OWASP ASVS 5.0, 6.3.1)."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil

from aiohttp import web

from kit.errors import Exhausted
from kit.limits import Limiter, Ticket
from kit.passwords import PasswordsBusy

QUEUE = 5.0  # seconds to wait for attempts under way, which may turn out to be right
LOOK = 0.1  # seconds between two looks


class Attempts:
    """Take the tickets of an attempt before it is made, and give them back when it succeeds."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def one(self, tickets: Sequence[Ticket], noun: type[Exhausted]) -> AsyncIterator[None]:
        """Make one attempt in the block; it counts unless the block ends well.

        Raises:
            Exhausted: as `noun`, when one of the tickets is used up.
        """
        key = tickets[0].key
        token = await self._take(tickets, noun)
        self._under_way[key] += 1
        try:
            yield
        except PasswordsBusy:  # nothing was tried
            await self._limiter.give_back(tickets, token)
            raise
        else:
            await self._limiter.give_back(tickets, token)
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]

    async def _take(self, tickets: Sequence[Ticket], noun: type[Exhausted]) -> str:
        """Wait while attempts of this process fill the limit, for they may yet be given back."""
        deadline = time.monotonic() + QUEUE
        while True:
            verdict = await self._limiter.take(tickets)
            if not verdict.wait:
                return verdict.token
            if not self._under_way[tickets[0].key] or time.monotonic() > deadline:
                raise noun(retry_after=ceil(verdict.wait))
            await asyncio.sleep(LOOK)


ATTEMPTS = web.AppKey("ATTEMPTS", Attempts)
