"""The weather while something is away or full of rubbish: lists show at once what is known."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from redis import asyncio as aioredis
from sqlalchemy import make_url

from embedded import valkey
from kit.db import Database
from kit.settings import Settings
from picnic.weather.forecasts import ASKING, KEPT, Forecasts, key
from picnic.weather.protocol import Coordinates
from tests.conftest import Serve
from tests.kit import conftest as of_kit
from tests.kit.conftest import Lines
from tests.kit.events import until
from tests.kit.gates import Gate, silent_server
from tests.kit.limiting import frozen
from tests.picnic import forecasting
from tests.picnic.forecasting import (
    LATE,
    Employ,
    Station,
    mark,
    places,
    settled,
    temperatures,
    timed,
)
from tests.picnic.forms import CITIES, add_cities, read
from tests.support.clients import Client, client_of

station, employ, forecasts = forecasting.station, forecasting.employ, forecasting.forecasts
log_text, log_lines = of_kit.log_text, of_kit.log_lines

AWAY, BACK = ("weather without Redis", "warning"), ("weather from Redis again", "info")
SOON = 0.3  # seconds, by the promise
TRIES = 4  # of what this machine may be too busy for


async def soon(worker: Forecasts, wanted: Sequence[Coordinates]) -> set[float]:
    """Assert that lists do not wait; return the temperatures that they show."""
    answers = [await timed(worker, wanted) for _ in range(TRIES)]
    took = sorted(seconds for _, seconds in answers)
    assert (took[0] <= SOON, took[-1] <= LATE) == (True, True), took
    return set.union(*(temperatures(known) for known, _ in answers))


def beside(settings: Settings, address: str) -> Settings:
    """Point at a weather service."""
    return replace(settings, weather_provider="open-meteo", weather_url=f"http://{address}")


async def listed(client: Client) -> float:
    """List cities whose weather nobody knows; return the seconds that took."""
    started = time.monotonic()
    shown = await read(client, CITIES, size=20)
    assert [city["weather"] for city in shown["items"]] == [None] * 20
    return time.monotonic() - started


def told(log_lines: Lines) -> list[tuple[str, str]]:
    """Return what the log says and how loud."""
    return [(line["event"], line["level"]) for line in log_lines()]


class TestProviderAway:
    async def test_leaves_what_was_known_for_a_day(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        await forecasts.of(places(2))
        station.is_away = True
        await redis.delete(*map(mark, places(2)))
        assert await soon(forecasts, places(3)) == {20.5}
        assert await forecasts.of(places(1, 2)) == {}
        assert KEPT - 1000 < await redis.ttl(key(places(1)[0])) <= KEPT

    async def test_is_silence_that_nobody_waits_for(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        await forecasts.of(places(2))
        await redis.delete(*map(mark, places(2)))
        station.answers.clear()
        assert await soon(forecasts, places(3)) == {20.5}
        assert station.calls == [places(2), places(3)]

    async def test_by_a_defect_is_logged_once(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis, log_lines: Lines
    ) -> None:
        station.is_broken = True
        assert await soon(forecasts, places(3)) == set()
        assert told(log_lines) == [("unexpected error", "error")]
        assert 0 < await redis.ttl(mark(places(1)[0])) <= ASKING


@pytest_asyncio.fixture
async def gate(settings: Settings) -> AsyncIterator[Gate]:
    """Give a way to Redis that can be shut."""
    port = make_url(settings.redis_url).port
    assert port is not None
    opened = Gate(port)
    await opened.open()
    yield opened
    await opened.shut()


@pytest.fixture
def lent(settings: Settings, employ: Employ, gate: Gate) -> Forecasts:
    """Give a worker that goes that way."""
    return employ(replace(settings, redis_url=f"redis://127.0.0.1:{gate.port}/0"))


class TestRedisAway:
    async def test_refusing_is_told_once_and_its_return_once(
        self, lent: Forecasts, gate: Gate, station: Station, log_lines: Lines
    ) -> None:
        assert await soon(lent, places(2)) == {20.5}
        for _ in range(2):
            await gate.shut()
            assert await soon(lent, places(2)) == set()
            await gate.open()
            assert await soon(lent, places(2)) == {20.5}
        assert told(log_lines) == [AWAY, BACK] * 2
        assert len(station.calls) == 1

    async def test_frozen_is_told_once_and_its_return_once(
        self, settings: Settings, employ: Employ, tmp_path: Path, log_lines: Lines
    ) -> None:
        with valkey.server(tmp_path, durable=False) as url:
            worker = employ(replace(settings, redis_url=url))
            assert await soon(worker, places(2)) == {20.5}
            with frozen(url):
                assert await soon(worker, places(2)) == set()
                await asyncio.gather(*(worker.of(places(2)) for _ in range(50)))
                await until(lambda: settled(worker))
            assert await soon(worker, places(2)) == {20.5}
            assert told(log_lines) == [AWAY, BACK]
            await worker.close()

    async def test_while_the_provider_is_asked_is_told_once(
        self, lent: Forecasts, gate: Gate, station: Station, log_lines: Lines
    ) -> None:
        station.answers.clear()
        await lent.of(places(1))
        await gate.shut()
        station.answers.set()
        await until(lambda: settled(lent))
        assert await lent.of(places(1)) == {}
        assert told(log_lines) == [AWAY]
        await gate.open()
        assert await soon(lent, places(1, 1)) == {20.5}
        assert told(log_lines) == [AWAY, BACK]

    async def test_does_not_keep_who_closes(
        self, settings: Settings, employ: Employ, tmp_path: Path
    ) -> None:
        with valkey.server(tmp_path, durable=False) as url:
            worker = employ(replace(settings, redis_url=url))
            await worker.of(places(2))
            with frozen(url):
                await worker.of(places(2))
                assert not await settled(worker)
                async with asyncio.timeout(LATE):
                    await worker.close()
                assert await settled(worker)


class TestCities:
    @pytest.mark.parametrize("away", ["provider", "Redis", "both"])
    async def test_are_listed_soon_though_it_is_frozen(
        self, settings: Settings, serve: Serve, house_database: Database, tmp_path: Path, away: str
    ) -> None:
        await add_cities(house_database, [f"Town {number}" for number in range(20)])
        with valkey.server(tmp_path, durable=False) as url:
            async with silent_server() as address, AsyncExitStack() as stack:
                changed = replace(settings, redis_url=url)
                if away != "Redis":
                    changed = beside(changed, address)
                house = await serve(changed, house_database)
                client = await stack.enter_async_context(client_of(house))
                await read(client, "/livez")
                if away != "provider":
                    stack.enter_context(frozen(url))
                took = [await listed(client) for _ in range(TRIES)]
                started = time.monotonic()
                await house.close()
                took_to_close = time.monotonic() - started
        assert (min(took) <= SOON, max(took) <= LATE) == (True, True), took
        assert took_to_close <= 3 * LATE
