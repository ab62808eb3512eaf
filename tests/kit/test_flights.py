"""Flights: one load for many, and nobody gets a result that is older than he is."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from kit.flights import Flights

BOUND = 5.0  # seconds


class Breakdown(Exception):
    """The load does not manage."""


class Loads:
    """Load numbers that grow; each load waits until it is told to end."""

    def __init__(self) -> None:
        self.begun = 0
        self.running = 0
        self.most = 0
        self.failing = False
        self._turns = asyncio.Semaphore(0)

    async def __call__(self) -> int:
        """Return which load this is."""
        self.begun += 1
        number = self.begun
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self._turns.acquire()
            if self.failing:
                raise Breakdown(str(number))
            return number
        finally:
            self.running -= 1

    def end(self, number: int = 1) -> None:
        """Let so many loads end."""
        for _ in range(number):
            self._turns.release()


@pytest.fixture
def loads() -> Loads:
    """Give loads to wait for."""
    return Loads()


@pytest.fixture
async def flights() -> AsyncIterator[Flights[int]]:
    """Give flights; nothing must be left of them when all have landed."""
    made: Flights[int] = Flights()
    before = asyncio.all_tasks()
    yield made
    await settle()
    assert (made._running, made._next) == ({}, {})
    assert asyncio.all_tasks() - before == {asyncio.current_task()}


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def join(flights: Flights[int], load: Loads, name: str = "x") -> "asyncio.Task[int]":
    """Begin to wait for a load."""
    task = asyncio.create_task(flights.join(name, load))
    await settle()
    return task


async def results(*tasks: "asyncio.Task[int]") -> list[int | BaseException]:
    """Return what each caller gets."""
    async with asyncio.timeout(BOUND):
        return await asyncio.gather(*tasks, return_exceptions=True)


class TestJoin:
    async def test_runs_one_load_and_one_next(self, flights: Flights[int], loads: Loads) -> None:
        callers = [await join(flights, loads) for _ in range(50)]
        assert (loads.begun, len(flights._running), len(flights._next)) == (1, 1, 1)
        loads.end(2)
        assert await results(*callers) == [1] + [2] * 49
        assert (loads.begun, loads.most) == (2, 1)

    async def test_gives_who_comes_meanwhile_the_later_result(
        self, flights: Flights[int], loads: Loads
    ) -> None:
        first = await join(flights, loads)
        second = await join(flights, loads)
        loads.end()
        assert await results(first) == [1]
        await settle()
        third = await join(flights, loads)  # the second load has begun already
        fourth = await join(flights, loads)
        loads.end(2)
        assert await results(second, third, fourth) == [2, 3, 3]
        assert loads.most == 1

    async def test_gives_the_next_load_to_who_comes_between_two(
        self, flights: Flights[int], loads: Loads
    ) -> None:
        first = await join(flights, loads)
        second = await join(flights, loads)
        between: list[asyncio.Task[int]] = []

        def come(_: object) -> None:
            between.append(asyncio.create_task(flights.join("x", loads)))

        flights._running["x"].add_done_callback(come)
        loads.end(3)
        assert await results(first, second) == [1, 2]
        assert (await results(*between))[0] in (2, 3)
        assert loads.most == 1

    async def test_begins_anew_when_nobody_is_there(
        self, flights: Flights[int], loads: Loads
    ) -> None:
        for number in (1, 2, 3):
            caller = await join(flights, loads)
            loads.end()
            assert await results(caller) == [number]

    async def test_keeps_names_apart(self, flights: Flights[int], loads: Loads) -> None:
        callers = [await join(flights, loads, name) for name in ("x", "y", "x", "y")]
        assert loads.most == 2
        loads.end(4)
        assert sorted(map(str, await results(*callers))) == ["1", "2", "3", "4"]


class TestError:
    async def test_reaches_all_who_share(self, flights: Flights[int], loads: Loads) -> None:
        loads.failing = True
        callers = [await join(flights, loads) for _ in range(5)]
        loads.end(2)
        found = await results(*callers)
        assert [(type(error), str(error)) for error in found] == [
            (Breakdown, "1"),
            *[(Breakdown, "2")] * 4,
        ]

    async def test_does_not_reach_those_of_the_next_load(
        self, flights: Flights[int], loads: Loads
    ) -> None:
        loads.failing = True
        first = await join(flights, loads)
        second = await join(flights, loads)
        loads.end()
        assert isinstance((await results(first))[0], Breakdown)
        loads.failing = False
        loads.end()
        assert await results(second) == [2]

    async def test_that_nobody_waits_for_is_no_complaint(
        self, flights: Flights[int], loads: Loads
    ) -> None:
        gc.collect()  # what other tests have left complains now
        complaints: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        try:
            loads.failing = True
            (await join(flights, loads)).cancel()
            await settle()
            loads.end()
            await settle()
            gc.collect()  # a task complains when it goes
        finally:
            loop.set_exception_handler(None)
        assert (loads.running, complaints) == (0, [])


class TestWhoHangsUp:
    @pytest.mark.parametrize("who", [0, 1, 2])
    async def test_ends_it_for_nobody_else(
        self, flights: Flights[int], loads: Loads, who: int
    ) -> None:
        callers = [await join(flights, loads) for _ in range(4)]
        callers[who].cancel()
        await settle()
        assert loads.running == 1
        loads.end(2)
        found = await results(*callers)
        assert isinstance(found.pop(who), asyncio.CancelledError)
        assert found == [number for place, number in enumerate([1, 2, 2, 2]) if place != who]

    async def test_leaves_nothing_when_all_do(self, flights: Flights[int], loads: Loads) -> None:
        callers = [await join(flights, loads) for _ in range(4)]
        for caller in callers:
            caller.cancel()
        await results(*callers)
        loads.end(2)
        await settle()
        assert (flights._running, flights._next, loads.begun) == ({}, {}, 2)
