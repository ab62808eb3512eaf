"""So many calls in so much time: exact over any sliding window, in Redis or in this process."""

import asyncio
import hashlib
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from redis import asyncio as aioredis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from kit.log import logger

REDIS_LIMIT = 1.0  # seconds for a step, whatever the client tries on the way
REDIS_PAUSE = 1.0  # seconds without asking a Redis that did not answer
SWEEP = 2  # visitors that a call looks at, so that those who stay away are forgotten

# KEYS: one per ticket; ARGV: the token, then calls and microseconds of each ticket.
# All of them are taken or none is. Returns: wait, and of the first ticket: left, until it grows.
TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local wait, left, grows = 0, 0, 0
for i, key in ipairs(KEYS) do
  local calls, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - period)
  local known = redis.call('ZCARD', key)
  if known >= calls then
    local leaves = redis.call('ZRANGE', key, known - calls, known - calls, 'WITHSCORES')
    wait = math.max(wait, tonumber(leaves[2]) + period - now, 1)
  end
end
for i, key in ipairs(KEYS) do
  local calls, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if wait == 0 then
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, math.ceil(period / 1000))
  end
  if i == 1 then
    local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    left = math.max(0, calls - redis.call('ZCARD', key))
    if oldest[2] then grows = tonumber(oldest[2]) + period - now end
  end
end
return {wait, left, grows}
"""

GIVE_BACK = """
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
"""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Ask for one call of a visitor, who has at most `calls` in any `period` seconds."""

    name: str
    visitor: str
    calls: int
    period: float

    @property
    def key(self) -> str:
        """Return where it is counted, without giving the visitor away."""
        return f"limit:{self.name}:{hashlib.sha256(self.visitor.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say whether the call is let in; `left` and `grows_in` (seconds) are the first ticket's."""

    token: str
    wait: float  # seconds, 0 when it is let in
    left: int
    grows_in: float


class Limiter(Protocol):
    """Count calls."""

    async def take(self, tickets: Sequence[Ticket]) -> Verdict:
        """Take one call of each ticket, or none when one of them is used up."""

    async def give_back(self, tickets: Sequence[Ticket], token: str) -> None:
        """Forget a call that was taken."""


class RedisLimiter:
    """Count in Redis, by its clock: exact over all processes."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._take = redis.register_script(TAKE)
        self._give_back = redis.register_script(GIVE_BACK)

    async def take(self, tickets: Sequence[Ticket]) -> Verdict:
        """Take one call of each ticket, or none.

        Raises:
            RedisError: Redis does not answer.
        """
        token = secrets.token_hex(8)
        args: list[int | str] = [token]
        for ticket in tickets:
            args += [ticket.calls, int(ticket.period * 1_000_000)]
        keys = [ticket.key for ticket in tickets]
        wait, left, grows = await _within_limit(self._take(keys, args))
        return Verdict(token, wait / 1e6, left, grows / 1e6)

    async def give_back(self, tickets: Sequence[Ticket], token: str) -> None:
        """Forget a call.

        Raises:
            RedisError: Redis does not answer.
        """
        keys = [ticket.key for ticket in tickets]
        await _within_limit(self._give_back(keys, [token]))


async def _within_limit(step: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(REDIS_LIMIT):
            return await step
    except TimeoutError as error:
        raise RedisTimeoutError from error


class MemoryLimiter:
    """Count in this process alone."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[tuple[float, str]]] = {}
        self._periods: dict[str, float] = {}

    async def take(self, tickets: Sequence[Ticket]) -> Verdict:
        """Take one call of each ticket, or none."""
        now, token, wait = time.monotonic(), secrets.token_hex(8), 0.0
        self._sweep(now)
        for ticket in tickets:
            calls = self._of(ticket, now)
            if len(calls) >= ticket.calls:
                wait = max(wait, calls[-ticket.calls][0] + ticket.period - now, 1e-6)
        for ticket in tickets:
            if not wait:
                self._calls[ticket.key].append((now, token))
        first, calls = tickets[0], self._of(tickets[0], now)
        grows_in = calls[0][0] + first.period - now if calls else 0.0
        return Verdict(token, wait, max(0, first.calls - len(calls)), grows_in)

    async def give_back(self, tickets: Sequence[Ticket], token: str) -> None:
        """Forget a call."""
        for ticket in tickets:
            calls = self._calls.get(ticket.key, deque())
            for call in [call for call in calls if call[1] == token]:
                calls.remove(call)

    def _of(self, ticket: Ticket, now: float) -> deque[tuple[float, str]]:
        self._periods[ticket.key] = ticket.period
        calls = self._calls.setdefault(ticket.key, deque())
        while calls and calls[0][0] <= now - ticket.period:
            calls.popleft()
        return calls

    def _sweep(self, now: float) -> None:
        """Look at the visitors who have waited longest to be looked at; forget the quiet ones."""
        for key in list(islice(self._calls, SWEEP)):
            calls, period = self._calls.pop(key), self._periods.pop(key)
            if calls and calls[-1][0] > now - period:
                self._calls[key], self._periods[key] = calls, period


class FallbackLimiter:
    """Count in Redis, and in this process while Redis does not answer."""

    def __init__(self, first: Limiter) -> None:
        self._first = first
        self._second = MemoryLimiter()
        self._asks_again_at = 0.0

    async def take(self, tickets: Sequence[Ticket]) -> Verdict:
        """Take one call of each ticket, or none."""
        if time.monotonic() >= self._asks_again_at:
            try:
                verdict = await self._first.take(tickets)
            except RedisError as error:
                if not self._asks_again_at:
                    logger.warning("limits count in memory", cause=type(error).__name__)
                self._asks_again_at = time.monotonic() + REDIS_PAUSE
            else:
                if self._asks_again_at:
                    logger.info("limits count in Redis again")
                self._asks_again_at = 0.0
                return verdict
        return await self._second.take(tickets)
