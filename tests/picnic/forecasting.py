"""What the tests of the weather cache share: a weather that counts, workers, and their keys."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

import pytest
import pytest_asyncio
from redis import asyncio as aioredis

from kit.redis import create_redis
from kit.settings import Settings
from picnic.weather.forecasts import Forecasts, Known, key
from picnic.weather.protocol import (
    Answer,
    Coordinates,
    NotFound,
    Observation,
    Observations,
    Unavailable,
)
from tests.kit.events import until

MANY = 200  # lists at once
TAKES = 0.05  # seconds until an answer, so that all who come meanwhile find none
LATE = 1.0  # seconds; a list waits for 0.2
PATIENT = 10.0  # seconds for Redis, where a crowd keeps a small machine busy
MOMENT = datetime.now(UTC).replace(microsecond=0)

# everybody asks who finds nothing fresh
NAIVE = """
local found = {}
for i, key in ipairs(KEYS) do
  local mark = redis.call('GET', key .. ':mark')
  found[i] = {redis.call('GET', key), mark == 'had' and mark or 'ours'}
end
return found
"""

Employ = Callable[..., Forecasts]


class Station:
    """A weather that counts what it is asked; it can be slow, away, odd and broken."""

    def __init__(self) -> None:
        self.places_at_once = 100
        self.temperature = 20.5
        self.calls: list[list[Coordinates]] = []
        self.odd: Collection[Coordinates] = ()
        self.is_away = False
        self.is_broken = False
        self.answers = asyncio.Event()
        self.answers.set()

    @property
    def asked(self) -> Counter[Coordinates]:
        """Return how often each place was asked for."""
        return Counter(place for call in self.calls for place in call)

    async def find(self, name: str) -> Answer:
        """Know no city."""
        return NotFound()

    async def observe(self, places: Sequence[Coordinates]) -> Observations | Unavailable:
        """Note the call, and answer unless told otherwise."""
        self.calls.append(list(places))
        await asyncio.sleep(TAKES)
        await self.answers.wait()
        if self.is_broken:
            raise ArithmeticError
        if self.is_away:
            return Unavailable("away")
        seen = Observation(self.temperature, MOMENT)
        return {place: seen for place in places if place not in self.odd}


@pytest.fixture
def station() -> Station:
    """Give a weather that counts."""
    return Station()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody in a crowd give Redis up because the machine is busy."""
    monkeypatch.setattr("kit.redis.TIMEOUT", PATIENT)
    monkeypatch.setattr("kit.redis.SCRIPT_LIMIT", PATIENT)


@pytest_asyncio.fixture
async def employ(
    settings: Settings, redis: aioredis.Redis, station: Station
) -> AsyncIterator[Employ]:
    """Give a way to make forecasts as a worker has them, with a client of Redis of its own."""
    assert await redis.ping()
    async with AsyncExitStack() as stack:

        def make(elsewhere: Settings | None = None) -> Forecasts:
            client = create_redis(elsewhere or settings)
            stack.push_async_callback(client.aclose)
            made = Forecasts(client, station)
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
def forecasts(employ: Employ) -> Forecasts:
    """Give the forecasts of one worker."""
    return employ()


def places(number: int, first: int = 0) -> list[Coordinates]:
    """Return places that are far from one another."""
    return [Coordinates(10 + n / 8, 20 + n / 8) for n in range(first, first + number)]


def mark(place: Coordinates) -> str:
    """Return where it lies who asks, or has asked, about a place."""
    return f"{key(place)}:mark"


def temperatures(known: Known) -> set[float]:
    """Return the different temperatures that are shown."""
    return {seen.temperature for seen in known.values()}


async def at_once(
    workers: Sequence[Forecasts], wanted: Sequence[Coordinates], number: int = MANY
) -> Known:
    """Ask the workers, who take turns, so often at once; return what is known in the end."""
    await asyncio.gather(*(workers[n % len(workers)].of(wanted) for n in range(number)))
    for worker in workers:
        await until(partial(settled, worker))
    return await workers[-1].of(wanted)


async def pass_by(redis: aioredis.Redis, name: str, seconds: int) -> None:
    """Let a key end as if its time had passed, which must be at most so many seconds."""
    assert seconds - 10 < await redis.ttl(name) <= seconds
    await redis.delete(name)


async def timed(forecasts: Forecasts, wanted: Sequence[Coordinates]) -> tuple[Known, float]:
    """Return what is known, and how many seconds the answer took."""
    started = time.monotonic()
    known = await forecasts.of(wanted)
    return known, time.monotonic() - started


async def settled(forecasts: Forecasts) -> bool:
    """Tell whether nothing is under way."""
    return not forecasts._tasks


async def has_begun(station: Station) -> bool:
    """Tell whether the provider has been asked."""
    return bool(station.calls)
