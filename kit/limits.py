"""So many calls in so much time, exact over any sliding window; here counted in this process."""

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from redis.exceptions import RedisError

from kit.log import logger

REST = 1.0  # seconds without asking a Redis that did not answer
SWEEP = 4  # visitors that a call looks at, so that those who stay away are forgotten
SOON = 1.0  # seconds to wait for a call whose fate is open


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
    """Say whether a call is let in; `left` and `grows_in` (seconds) are the first ticket's."""

    token: str
    wait: float  # seconds, 0 when it is let in
    left: int
    grows_in: float
    undecided: int = 0  # calls that stand in the way and may yet be forgotten


class Limiter(Protocol):
    """Count calls."""

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        """Take one call of each ticket, or none when one of them is used up.

        hold: seconds after which the call is forgotten unless `settle` says that it counts.
        """

    async def settle(self, tickets: Sequence[Ticket], token: str, *, counts: bool) -> None:
        """Decide whether a call that was taken counts, from now on, or is forgotten."""


@dataclass(slots=True)
class _Calls:
    """Hold one visitor's calls: those that count, and until when the others are undecided."""

    period: float
    counted: deque[tuple[float, str]] = field(default_factory=deque)
    held: dict[str, float] = field(default_factory=dict)

    def forget(self, now: float) -> None:
        """Drop what is too old."""
        while self.counted and self.counted[0][0] <= now - self.period:
            self.counted.popleft()
        for token in [token for token, until in self.held.items() if until <= now]:
            del self.held[token]

    def wait(self, calls: int, now: float) -> float:
        """Return the seconds until one more call is let in, 0 when it is now."""
        surplus = len(self.counted) + len(self.held) - calls
        if surplus < 0:
            return 0.0
        if surplus >= len(self.counted):
            return SOON
        return max(self.left_of(self.counted[surplus], now), 1e-6)

    def left_of(self, call: tuple[float, str], now: float) -> float:
        """Return the seconds for which a call still counts."""
        return self.period - (now - call[0])  # in this order: rounding adds nothing to a period


class MemoryLimiter:
    """Count in this process alone."""

    def __init__(self) -> None:
        self._visitors: dict[str, _Calls] = {}

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        """Take one call of each ticket, or none."""
        now, token = time.monotonic(), secrets.token_hex(8)
        self._sweep(now)
        found = [self._of(ticket, now) for ticket in tickets]
        waits = [
            calls.wait(ticket.calls, now) for calls, ticket in zip(found, tickets, strict=True)
        ]
        undecided = [len(calls.held) for calls, wait in zip(found, waits, strict=True) if wait]
        for calls in found if not any(waits) else []:
            if hold:
                calls.held[token] = now + hold
            else:
                calls.counted.append((now, token))
        first, calls = tickets[0], found[0]
        left = max(0, first.calls - len(calls.counted) - len(calls.held))
        grows_in = calls.left_of(calls.counted[0], now) if calls.counted else 0.0
        return Verdict(token, max(waits), left, grows_in, max(undecided, default=0))

    async def settle(self, tickets: Sequence[Ticket], token: str, *, counts: bool) -> None:
        """Decide whether a call counts."""
        now = time.monotonic()
        for ticket in tickets:
            calls = self._of(ticket, now)
            calls.held.pop(token, None)
            calls.counted = deque(call for call in calls.counted if call[1] != token)
            if counts:
                calls.counted.append((now, token))

    def _of(self, ticket: Ticket, now: float) -> _Calls:
        calls = self._visitors.setdefault(ticket.key, _Calls(ticket.period))
        calls.forget(now)
        return calls

    def _sweep(self, now: float) -> None:
        """Look at the visitors who have waited longest to be looked at; forget the quiet ones."""
        for key in list(islice(self._visitors, SWEEP)):
            calls = self._visitors.pop(key)
            calls.forget(now)
            if calls.counted or calls.held:
                self._visitors[key] = calls


class FallbackLimiter:
    """Count in Redis, and in this process while Redis does not answer.

    This process counts all the time what it lets in. Whom it refuses Redis would refuse as well,
    so a flood does not even reach Redis.
    """

    def __init__(self, first: Limiter) -> None:
        self._first = first
        self._here = MemoryLimiter()
        self._rests_until = 0.0

    @property
    def rests(self) -> bool:
        """Tell whether Redis is not to be asked at this moment."""
        return time.monotonic() < self._rests_until

    def rest(self, error: RedisError) -> None:
        """Leave Redis alone for a moment, since it did not answer."""
        if not self._rests_until:
            logger.warning("limits count in memory", cause=type(error).__name__)
        self._rests_until = time.monotonic() + REST

    async def take(self, ticket: Ticket) -> Verdict:
        """Take one call."""
        here = await self._here.take([ticket])
        if here.wait or self.rests:
            return here
        try:
            verdict = await self._first.take([ticket])
        except RedisError as error:
            self.rest(error)
            return here
        if self._rests_until:
            logger.info("limits count in Redis again")
        self._rests_until = 0.0
        if verdict.wait:
            await self._here.settle([ticket], here.token, counts=False)
        return verdict
