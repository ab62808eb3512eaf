"""What the tests of limits share: traffic, the one check of windows, and limiters that fail it."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from aiohttp import ClientSession
from redis import Redis

import kit.passwords
from embedded.process import wait_until
from kit.limits import Limiter, MemoryLimiter, Ticket, Verdict
from kit.settings import Settings
from tests.support.processes import PATIENCE, ShopApi, free_port

FUZZ = 0.001  # seconds by which the clocks of two processes may drift apart in a test


class Clock:
    """The time that passes by itself."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock(Clock):
    """The time that passes only while somebody sleeps, and then at once."""

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds


class Inexact(MemoryLimiter):
    """A limiter that is only nearly right."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock, self._counts, self._due = clock, Counter[int](), 0.0


class FixedWindow(Inexact):
    """Count anew in every period of the clock: twice too many pass around its end."""

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        now, period = self._clock.monotonic(), tickets[0].period
        self._counts[int(now // period)] += 1
        full = self._counts[int(now // period)] > tickets[0].calls
        return Verdict("", period - now % period if full else 0, 0, 0)


class Trickle(Inexact):
    """Let a storm in and then one call after another, as GCRA and token buckets do."""

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        now, period = self._clock.monotonic(), tickets[0].period
        due = max(self._due, now) + period / tickets[0].calls
        self._due = due if due <= now + period else self._due
        return Verdict("", max(0, due - now - period), 0, 0)


class Grudge(Inexact):
    """Count what was refused as well, so that who keeps asking never gets in again."""

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        verdict = await super().take(tickets)
        if verdict.wait:
            self._visitors[tickets[0].key].counted.append((self._clock.monotonic(), "refused"))
        return verdict


@dataclass(frozen=True)
class Call:
    """A call, the time just before and just after it, and what it got."""

    before: float
    after: float
    verdict: Verdict

    @property
    def let_in(self) -> bool:
        return not self.verdict.wait


async def timed(limiter: Limiter, ticket: Ticket, clock: Clock | None = None) -> Call:
    """Make one call and note the time around it."""
    clock = clock or Clock()
    before = clock.monotonic()
    verdict = await limiter.take([ticket])
    return Call(before, clock.monotonic(), verdict)


async def traffic(limiter: Limiter, ticket: Ticket, seconds: float, clock: Clock) -> list[Call]:
    """Call at random moments: storms, steady streams and silences, of three callers at once."""
    rng, calls, end = random.Random(7), list[Call](), clock.monotonic() + seconds

    async def visit() -> None:
        while clock.monotonic() < end:
            longest = rng.choice([0.0, 0.01, 0.1, 0.7]) * ticket.period
            await clock.sleep(rng.random() * longest)
            for _ in range(rng.randint(1, ticket.calls)):
                calls.append(await timed(limiter, ticket, clock))

    await asyncio.gather(visit(), visit(), visit())
    return calls


def faults(calls: Sequence[Call], ticket: Ticket) -> list[str]:
    """Return what is certainly wrong, however long each call was on its way."""
    let_in, found = [call for call in calls if call.let_in], []
    for first in let_in:
        end = first.before + ticket.period - FUZZ
        inside = sum(first.before <= call.before and call.after < end for call in let_in)
        if inside > ticket.calls:
            found.append(f"{inside} were let in within {ticket.period} s")
    for call in calls:
        start = call.before - ticket.period - FUZZ
        known = sum(other.after > start and other.before <= call.after for other in let_in)
        if not call.let_in and known < ticket.calls:
            found.append(f"one was refused after {known}")
    return found


@contextmanager
def frozen(redis_url: str) -> Iterator[None]:
    """Stop a server of this test's own for as long as the block lasts: it hears, but is silent."""
    with Redis.from_url(redis_url, protocol=2) as client:
        pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def two_workers(settings: Settings, log: Path, **environment: str) -> Iterator[str]:
    """Serve with two processes behind one socket; yield the address."""
    environment["APP_PORT"] = port = free_port()
    environment["DATABASE_URL"] = settings.database_url
    environment["REDIS_URL"] = settings.redis_url
    command = ShopApi(log, "serve", "--workers", "2", **environment)
    try:
        assert wait_until(lambda: command.said.count("Booting worker") == 2, PATIENCE)
        yield f"http://127.0.0.1:{port}"
    finally:
        assert command.stop() == 0, command.said


async def post_at_once(url: str, path: str, bodies: Sequence[dict[str, Any]]) -> Counter[int]:
    """Send all bodies at once, each over a connection that stands already; count the statuses.

    Connections that are made one by one are spread over the workers.
    """
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(ClientSession(url)) for _ in bodies]
        for visitor in visitors:
            await (await visitor.get("/livez")).read()

        async def post(visitor: ClientSession, body: dict[str, Any]) -> int:
            async with visitor.post(path, json=body) as response:
                return response.status

        return Counter(await asyncio.gather(*map(post, visitors, bodies)))


def count_checks(patch: pytest.MonkeyPatch, opened: Event | None = None) -> list[str]:
    """Return a list that grows by the hash that each password is checked against.

    opened: what the checks wait for, but five seconds at most.
    """
    made, genuine = list[str](), kit.passwords.check_password

    def check(password: str, hashed: str) -> bool:
        made.append(hashed)
        assert opened is None or opened.wait(5)
        return genuine(password, hashed)

    patch.setattr(kit.passwords, "check_password", check)
    return made
