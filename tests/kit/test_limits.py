"""Limiters: exact over any window, in Redis as in memory; what is only nearly so is caught."""

import asyncio
from collections.abc import Sequence

import pytest
from redis import asyncio as aioredis
from redis.exceptions import ConnectionError as RedisAway

import kit.redis
from kit import limits
from kit.limits import FallbackLimiter, Limiter, MemoryLimiter, Ticket, Verdict
from kit.redis_limits import RedisLimiter
from kit.settings import Settings
from tests.kit import limiting
from tests.kit.limiting import Clock, FakeClock, Inexact, faults, timed, traffic

SHORT = Ticket("short", "somebody", 5, 0.3)
LONG = Ticket("long", "somebody", 20, 60.0)


@pytest.fixture(params=["redis", "memory"])
def limiter(request: pytest.FixtureRequest, redis: aioredis.Redis) -> Limiter:
    """Give each kind of limiter."""
    return RedisLimiter(redis) if request.param == "redis" else MemoryLimiter()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Give the clock by which limits in memory live."""
    made = FakeClock()
    monkeypatch.setattr(limits, "time", made)
    return made


async def fill(limiter: Limiter, ticket: Ticket) -> list[Verdict]:
    """Take all that there is."""
    return [await limiter.take([ticket]) for _ in range(ticket.calls)]


class TestTake:
    async def test_lets_in_exactly_as_many(self, limiter: Limiter) -> None:
        verdicts = await fill(limiter, LONG)
        assert [verdict.left for verdict in verdicts] == list(range(19, -1, -1))
        assert not any(verdict.wait for verdict in verdicts)
        assert all(0 < verdict.grows_in <= 60 for verdict in verdicts)
        for _ in range(30):
            verdict = await limiter.take([LONG])
            assert 50 < verdict.wait <= 60
            assert (verdict.left, verdict.grows_in) == (0, verdict.wait)

    async def test_lets_in_exactly_as_many_at_once(self, limiter: Limiter) -> None:
        verdicts = await asyncio.gather(*(limiter.take([LONG]) for _ in range(200)))
        assert sum(not verdict.wait for verdict in verdicts) == 20

    async def test_is_exact_over_any_window(self, limiter: Limiter) -> None:
        calls = await traffic(limiter, SHORT, 1.8, Clock())
        assert faults(calls, SHORT) == []
        assert sum(call.let_in for call in calls) > 3 * SHORT.calls
        assert sum(not call.let_in for call in calls) > SHORT.calls

    async def test_says_how_long_to_wait(self, limiter: Limiter) -> None:
        first = await timed(limiter, SHORT)
        await asyncio.sleep(0.05)
        await fill(limiter, SHORT)
        refused = await timed(limiter, SHORT)
        assert not refused.let_in
        assert refused.before + refused.verdict.wait <= first.after + SHORT.period + 0.001
        assert refused.after + refused.verdict.wait >= first.before + SHORT.period - 0.001
        await asyncio.sleep(refused.verdict.wait / 2)
        early = await timed(limiter, SHORT)
        assert not early.let_in or early.after >= first.before + SHORT.period - 0.001
        await asyncio.sleep(early.verdict.wait)
        assert early.let_in or (await timed(limiter, SHORT)).let_in

    async def test_keeps_visitors_and_names_apart(self, limiter: Limiter) -> None:
        await fill(limiter, LONG)
        for other in (Ticket("long", "nobody", 20, 60.0), Ticket("other", "somebody", 20, 60.0)):
            assert (await limiter.take([other])).left == 19

    @pytest.mark.parametrize("visitor", ["", "'; --", "ключ\n", "*", "a" * 10_000])
    async def test_takes_any_name_of_a_visitor(self, limiter: Limiter, visitor: str) -> None:
        once = Ticket("once", visitor, 1, 60.0)
        assert not (await limiter.take([once])).wait
        assert (await limiter.take([once])).wait


class TestSeveralTickets:
    async def test_are_all_taken_or_none(self, limiter: Limiter) -> None:
        wide, narrow = Ticket("wide", "x", 3, 60.0), Ticket("narrow", "x", 1, 30.0)
        assert (await limiter.take([wide, narrow])).left == 2
        for pair in ([wide, narrow], [narrow, wide]) * 3:
            assert 20 < (await limiter.take(pair)).wait <= 30
        assert [(await limiter.take([wide])).left for _ in range(2)] == [1, 0]

    async def test_wait_for_the_slowest(self, limiter: Limiter) -> None:
        quick, slow = Ticket("quick", "x", 1, 30.0), Ticket("slow", "x", 1, 90.0)
        await limiter.take([quick, slow])
        for pair in ([quick, slow], [slow, quick]):
            assert 80 < (await limiter.take(pair)).wait <= 90

    async def test_are_all_taken_or_none_at_once(self, limiter: Limiter) -> None:
        pairs = [[Ticket("a", "x", 30, 60.0), Ticket("b", str(n % 2), 7, 60.0)] for n in range(80)]
        verdicts = await asyncio.gather(*map(limiter.take, pairs))
        assert sum(not verdict.wait for verdict in verdicts) == 14
        assert (await limiter.take(pairs[0][:1])).left == 15


class TestRedis:
    async def test_holds_nobody_in_clear_and_forgets(self, redis: aioredis.Redis) -> None:
        visitor = Ticket("short", "198.51.100.7", 5, 0.3)
        for _ in range(50):
            await RedisLimiter(redis).take([visitor])
        (key,) = await redis.keys("*")
        assert 0 < await redis.pttl(key) <= 301
        assert await redis.zcard(key) == 5
        stored = str((key, await redis.zrange(key, 0, -1)))
        assert "198.51.100.7" not in stored
        await asyncio.sleep(0.31)  # no key outlives its period
        assert not await redis.keys("*")


class TestMemory:
    async def test_is_exact_over_a_thousand_windows(self, clock: FakeClock) -> None:
        calls = await traffic(MemoryLimiter(), SHORT, 300, clock)
        assert faults(calls[:4_000], SHORT) == []
        assert len(calls) > 4_000

    async def test_never_waits_longer_than_the_period(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "time", FakeClock(131_071.7))
        assert 131_071.7 + 60 - 131_071.7 > 60  # as floats are
        verdicts = await fill(limiter := MemoryLimiter(), LONG)
        verdicts.append(await limiter.take([LONG]))
        assert {verdict.grows_in for verdict in verdicts} == {verdicts[-1].wait} == {60.0}

    @pytest.mark.parametrize("names", [("{n}",), ("{n}", "me"), ("me", "{n}"), ("{n}", "{n}")])
    async def test_forgets_quiet_visitors(self, clock: FakeClock, names: Sequence[str]) -> None:
        limiter, most = MemoryLimiter(), 0
        for n in range(10_000):
            await clock.sleep(0.01)
            visitors = enumerate(name.format(n=n) for name in names)
            await limiter.take([Ticket(f"{kind}", visitor, 3, 1.0) for kind, visitor in visitors])
            most = max(most, len(limiter._visitors))
        assert most <= 4 * len(names) * 100

    async def test_keeps_no_more_than_the_limit_of_one(self, clock: FakeClock) -> None:
        limiter = MemoryLimiter()
        for _ in range(1_000):
            await limiter.take([LONG])
        assert [len(calls.counted) for calls in limiter._visitors.values()] == [20]


class TestSabotage:
    @pytest.mark.parametrize("kind", [limiting.FixedWindow, limiting.Trickle, limiting.Grudge])
    async def test_is_caught(self, clock: FakeClock, kind: type[Inexact]) -> None:
        found = faults(await traffic(kind(clock), SHORT, 3, clock), SHORT)
        fault = "was refused" if kind is limiting.Grudge else "were let in"
        assert any(fault in each for each in found)


class Moody(MemoryLimiter):
    """Be Redis as long as it answers."""

    away = False

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        if self.away:
            raise RedisAway
        return await super().take(tickets, hold)


class TestFallback:
    async def test_counts_in_memory_while_redis_is_away(self, clock: FakeClock) -> None:
        limiter, lefts, later = FallbackLimiter(moody := Moody()), [], limits.REST
        steps = [(False, 0), (True, 0), (True, later), (False, 0), (False, later)]
        for moody.away, pause in steps:
            await clock.sleep(pause)
            lefts += [(await limiter.take(LONG)).left for _ in range(2)]
        assert lefts[2:8] == list(range(lefts[2], lefts[2] - 6, -1))
        assert [*lefts[:2], *lefts[8:]] == [19, 18, 17, 16]

    @pytest.mark.usefixtures("redis")
    async def test_is_exact_when_many_wait_for_a_connection(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kit.redis, "POOL_SIZE", 1)
        monkeypatch.setattr(kit.redis, "TIMEOUT", 0.1)
        limiter = FallbackLimiter(RedisLimiter(busy := kit.redis.create_redis(settings)))
        verdicts = await asyncio.gather(*(limiter.take(LONG) for _ in range(1_000)))
        await busy.aclose()
        assert sum(not verdict.wait for verdict in verdicts) == 20
