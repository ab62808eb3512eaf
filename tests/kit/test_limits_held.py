"""Calls that are undecided: they fill the limit until somebody says whether they count."""

import asyncio

from kit.limits import Limiter
from tests.kit import test_limits
from tests.kit.test_limits import LONG, fill

limiter = test_limits.limiter


class TestSettle:
    async def test_frees_one_place(self, limiter: Limiter) -> None:
        verdicts = await fill(limiter, LONG)
        for _ in range(2):
            await limiter.settle([LONG], verdicts[7].token, counts=False)
        assert [bool((await limiter.take([LONG])).wait) for _ in range(2)] == [False, True]

    async def test_knows_no_other_token(self, limiter: Limiter) -> None:
        await limiter.settle([LONG], "never given", counts=False)
        await fill(limiter, LONG)
        await limiter.settle([LONG], (await limiter.take([LONG])).token, counts=False)
        assert (await limiter.take([LONG])).wait


class TestHold:
    async def test_fills_the_limit_and_says_that_it_is_undecided(self, limiter: Limiter) -> None:
        held = [await limiter.take([LONG], 10) for _ in range(20)]
        assert [verdict.left for verdict in held] == list(range(19, -1, -1))
        assert await self.state(limiter) == (1.0, 20)
        await limiter.settle([LONG], held[0].token, counts=True)
        assert (await self.state(limiter))[1] == 19
        for verdict in held[1:]:
            await limiter.settle([LONG], verdict.token, counts=True)
        wait, undecided = await self.state(limiter)
        assert (50 < wait <= 60, undecided) == (True, 0)

    async def test_is_forgotten_when_nobody_decides(self, limiter: Limiter) -> None:
        held = [await limiter.take([LONG], 0.1) for _ in range(20)]
        await asyncio.sleep(0.11)
        await limiter.settle([LONG], held[0].token, counts=True)  # late, but it was a call
        assert (await limiter.take([LONG])).left == 18

    async def state(self, limiter: Limiter) -> tuple[float, int]:
        """Return how long to wait, and how many calls are undecided."""
        verdict = await limiter.take([LONG], 10)
        return verdict.wait, verdict.undecided
