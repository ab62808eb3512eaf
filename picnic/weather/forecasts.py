"""The weather of many places for all processes: fetched once in a while, never waited for long.

What was observed lies in Redis for a day, beside a mark that tells who asks, or has asked, the
provider. Whoever finds no mark sets one and asks in the background; everybody looks again until
there is news or his patience ends. So a place costs one call in ten minutes, however many want it.
"""

import asyncio
import math
from collections.abc import Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from kit.cache import LOOKUPS
from kit.log import logger
from kit.redis import run_script
from picnic.weather.protocol import Coordinates, Observation, Observations, Unavailable, Weather

FRESH = 600  # seconds
KEPT = 24 * 3600  # seconds since it was observed, while there is nothing newer
ASKING = 10  # seconds until somebody else asks when the one who does has died
FAILED = 5  # seconds until somebody asks again
PATIENCE = 0.2  # seconds that a list waits
PAUSE = 0.015  # seconds between two looks, each time twice as many

# KEYS: of places; ARGV: seconds. Answers what is known of each, and its mark.
LOOK = """
local found = {}
for i, key in ipairs(KEYS) do
  local mark = key .. ':mark'
  if redis.call('TTL', mark) == -1 then redis.call('DEL', mark) end  -- none of ours lasts for ever
  local ours = redis.call('SET', mark, 'asking', 'NX', 'EX', ARGV[1]) and 'ours'
  local present = redis.call('MGET', key, mark)  -- what is of another kind is nothing
  found[i] = {present[1], ours or present[2]}
end
return found
"""
OURS, OPEN = b"ours", (b"ours", b"asking")

Known = dict[Coordinates, Observation]


class Forecasts:
    """Show how warm it is, from Redis, which the provider fills."""

    def __init__(self, redis: aioredis.Redis, weather: Weather) -> None:
        self._redis = redis
        self._weather = weather
        self._look = redis.register_script(LOOK)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_away = False

    async def of(self, places: Iterable[Coordinates]) -> Known:
        """Return what is known of places, after a moment in which more may come in."""
        known: Known = {}
        deadline = asyncio.get_running_loop().time() + PATIENCE
        # a look that is under way is not cut off: it may have set marks
        looking = self._begin(self._gather(list(dict.fromkeys(places)), known, deadline))
        await asyncio.wait([looking], timeout=PATIENCE)
        return dict(known)

    async def remember(self, place: Coordinates, seen: Observation) -> None:
        """Keep what came along with a city."""
        await self._store([place], {place: seen})

    async def close(self) -> None:
        """Give up what is under way."""
        while self._tasks:  # one that was about to go on may begin another
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _gather(self, places: Sequence[Coordinates], known: Known, deadline: float) -> None:
        clock, pause, asked = asyncio.get_running_loop().time, PAUSE, len(places)
        while places:
            keys = [key(place) for place in places]
            try:
                found = await run_script(self._look, keys=keys, args=[ASKING])
            except RedisError as error:
                self._note(error)
                LOOKUPS.of("weather", "away").inc(asked)
                break
            self._note(None)
            places = self._take(zip(places, found, strict=True), known)
            LOOKUPS.of("weather", "hit").inc(min(asked, len(known)))
            LOOKUPS.of("weather", "miss").inc(max(0, asked - len(known)))
            asked = 0  # to look again for what comes in is no other lookup
            if not places or clock() + pause > deadline:
                break
            await asyncio.sleep(pause)
            pause *= 2

    def _take(self, found: Iterable[tuple[Coordinates, Any]], known: Known) -> list[Coordinates]:
        """Remember what is known, ask for what is ours to ask, return what may come in yet."""
        mine, waited_for = [], []
        for place, (body, mark) in found:
            if seen := _read(body):
                known[place] = seen
            mine += [place] if mark == OURS else []
            waited_for += [place] if mark in OPEN else []
        step = self._weather.places_at_once
        for start in range(0, len(mine), step):
            self._begin(self._ask(mine[start : start + step]))
        return waited_for

    async def _ask(self, places: Sequence[Coordinates]) -> None:
        found: Observations | Unavailable | None = Unavailable("a defect of ours")
        try:
            found = await self._weather.observe(places)
        except asyncio.CancelledError:
            found = None
            raise
        finally:
            await self._store(places, found)

    async def _store(
        self, places: Sequence[Coordinates], found: Observations | Unavailable | None
    ) -> None:
        """Keep what was found, and let marks tell when to ask again; None: somebody else may."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for place in places:
                mark = f"{key(place)}:mark"
                if found is None:
                    pipe.delete(mark)
                elif isinstance(found, Unavailable):
                    pipe.set(mark, "failed", ex=FAILED)
                else:
                    pipe.set(mark, "had", ex=FRESH)
                    if seen := found.get(place):
                        pipe.set(key(place), _written(seen), ex=_left(seen))
            try:
                await pipe.execute()
            except RedisError as error:
                self._note(error)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("unexpected error", exc_info=error)

    def _note(self, error: RedisError | None) -> None:
        """Say once that Redis does not answer, and once that it does again."""
        if error and not self._is_away:
            logger.warning("weather without Redis", cause=type(error).__name__)
        elif self._is_away and not error:
            logger.info("weather from Redis again")
        self._is_away = error is not None


FORECASTS = web.AppKey("FORECASTS", Forecasts)


def key(place: Coordinates) -> str:
    """Return where the weather of a place lies: a kilometre makes no difference."""
    return f"weather:{place.latitude:.2f},{place.longitude:.2f}"


def _left(seen: Observation) -> int:
    """Return the seconds for which an observation may be shown."""
    age = (datetime.now(UTC) - seen.observed_at).total_seconds()
    return max(1, min(KEPT, round(KEPT - age)))


def _written(seen: Observation) -> str:
    return f"{seen.temperature!r} {int(seen.observed_at.timestamp())}"


def _read(body: bytes | None) -> Observation | None:
    """Return what was written, None when that was something else."""
    try:
        temperature, seconds = (body or b"").split()
        if not math.isfinite(float(temperature)):
            return None
        return Observation(float(temperature), datetime.fromtimestamp(int(seconds), UTC))
    except (ValueError, OverflowError, OSError):
        return None
