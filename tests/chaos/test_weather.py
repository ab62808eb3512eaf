"""The weather for two served processes: each city is asked for once, lists do not wait (18)."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from redis import asyncio as aioredis

from embedded import valkey
from kit.db import Database
from kit.settings import Settings
from picnic.weather.forecasts import ASKING
from tests.kit.events import tell, until
from tests.kit.limiting import frozen
from tests.picnic.forecasting_served import (
    TOWNS,
    Naive,
    asked,
    hesitant,
    look,
    serving,
    silent,
    spread,
    warm,
)
from tests.picnic.forms import add_cities
from tests.picnic.stage import FORECAST, Stage, honest, staged
from tests.support.processes import ShopApi

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

LISTS, FEWER, ROUNDS = 200, 40, 5  # fewer, for who asks naively is soon too busy to answer
SOON = 0.3  # seconds, by the promise
OUTAGES, UP, DOWN = 3, 2.0, 2.0  # how often; seconds
VISITORS = 4


@pytest_asyncio.fixture
async def stage(busy_database: Database, redis: aioredis.Redis) -> AsyncIterator[Stage]:
    """Play the weather service, of towns whose weather nobody knows."""
    assert await redis.ping()
    await add_cities(busy_database, [f"Town {number}" for number in range(TOWNS)])
    async with staged(hesitant) as played:
        yield played


async def rush(
    stage: Stage, redis: aioredis.Redis, urls: Sequence[str], number: int
) -> tuple[int, Counter[tuple[str, str]], list[float]]:
    """List cities whose weather is unknown; return calls, places asked and seconds."""
    await redis.flushdb()
    stage.asked.clear()
    async with ClientSession() as client:
        pages = [(1, TOWNS), (1, 25), (2, 25), (2, 20), (4, 10), (1, 20), (3, 7)]
        lists = [look(client, urls[n % 2], *pages[n % len(pages)]) for n in range(number)]
        times = await asyncio.gather(*lists)

        async def is_warm() -> bool:
            return await warm(client, urls) == TOWNS

        await until(is_warm)
    return len(stage.queries(FORECAST)), asked(stage), times


@pytest.mark.parametrize(("kind", "number"), [(ShopApi, LISTS), (Naive, FEWER)])
async def test_each_city_is_asked_for_once(
    stage: Stage,
    redis: aioredis.Redis,
    busy_settings: Settings,
    tmp_path: Path,
    kind: type[ShopApi],
    number: int,
) -> None:
    calls, often, times, places = [], 0, list[float](), set[int]()
    with serving(busy_settings, stage.url, tmp_path, kind) as (workers, urls):
        for _ in range(ROUNDS):
            made, found, took = await rush(stage, redis, urls, number)
            calls.append(made)
            often, times = max(often, *found.values()), times + took
            places.add(len(found))
        alarms = sum(worker.said.count("weather without Redis") for worker in workers)
    figures = {"calls": calls, "places": places, "one place at most": often, "alarms": alarms}
    tell(f"\n{number} lists at once, {kind.__name__}", {**figures, **spread(times)})
    assert places == {TOWNS}
    assert (often == 1) == (kind is ShopApi)


async def test_lists_do_not_wait_for_a_frozen_provider(
    stage: Stage, redis: aioredis.Redis, busy_settings: Settings, tmp_path: Path
) -> None:
    stage.play, times = silent, list[float]()

    async def visit(client: ClientSession, url: str) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            times.append(await look(client, url, size=20))
            keys = [key async for key in redis.scan_iter("weather:*")]
            await redis.delete("weather:none", *keys)  # as if their time had passed

    with serving(busy_settings, stage.url, tmp_path) as (workers, urls):
        async with ClientSession() as client:
            await asyncio.gather(*(visit(client, urls[n % 2]) for n in range(VISITORS)))
        away = [worker.said.count("weather away") for worker in workers]
    took = spread(times)
    figures = {"lists": len(times), "calls": len(stage.asked), "told": away, **took}
    tell("\nprovider frozen, nothing known", figures)
    assert away == [1, 1]
    assert took["p99"] <= SOON, took


async def test_another_asks_when_who_did_is_killed(
    stage: Stage, busy_settings: Settings, tmp_path: Path
) -> None:
    stage.play = silent
    with serving(busy_settings, stage.url, tmp_path) as (workers, urls):
        async with ClientSession() as client:
            await look(client, urls[0])
            workers[0].process.kill()
            stage.play = honest

            async def is_warm() -> bool:
                return await warm(client, urls[1:]) == TOWNS

            seconds = await until(is_warm, 2 * ASKING)
        workers[0].process.wait()
    tell("\nseconds until another asked after kill -9", round(seconds, 1))
    assert set(asked(stage).values()) == {2}
    assert seconds <= ASKING + 3


async def test_redis_is_frozen_and_back(
    stage: Stage, busy_settings: Settings, tmp_path: Path
) -> None:
    times = list[float]()
    with (
        valkey.server(tmp_path / "valkey", durable=False) as url,
        serving(replace(busy_settings, redis_url=url), stage.url, tmp_path) as (workers, urls),
    ):
        async with ClientSession() as client:

            async def visit(number: int) -> None:
                while not over.is_set():
                    times.append(await look(client, urls[number % 2], size=20))
                    await asyncio.sleep(0.01)

            over = asyncio.Event()
            visits = asyncio.gather(*map(visit, range(VISITORS)))
            for _ in range(OUTAGES):
                await asyncio.sleep(UP)
                with frozen(url):
                    await asyncio.sleep(DOWN)
            await asyncio.sleep(UP)
            over.set()
            await visits
        said = [
            (x.said.count("weather without Redis"), x.said.count("weather from Redis again"))
            for x in workers
        ]
    tell(f"\nRedis frozen {OUTAGES} times", {"lists": len(times), "told": said, **spread(times)})
    assert said == [(OUTAGES, OUTAGES)] * 2
    assert max(times) <= 3 * SOON
