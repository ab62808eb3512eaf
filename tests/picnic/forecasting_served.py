"""The house as two processes beside a weather service, and who looks at the weather there."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

from aiohttp import ClientSession, web

from embedded.process import wait_until
from kit.settings import Settings
from tests.picnic.forms import CITIES
from tests.picnic.stage import FORECAST, Stage, honest
from tests.support.processes import PATIENCE, ShopApi, free_port

TOWNS = 50
NAIVELY = """
import cli
from picnic.weather import forecasts
from tests.picnic.forecasting import NAIVE
forecasts.LOOK = NAIVE
cli.main()
"""


class Naive(ShopApi):
    """A worker that asks for what it does not find, whoever else asks."""

    program: ClassVar = [sys.executable, "-c", NAIVELY]


@contextmanager
def serving(
    settings: Settings, weather: str, folder: Path, kind: type[ShopApi] = ShopApi
) -> Iterator[tuple[list[ShopApi], list[str]]]:
    """Serve by two processes; give them and their addresses."""
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        workers = [
            kind(
                folder / f"serve-{port}.log",
                *("serve", "--workers", "1"),
                APP_PORT=port,
                DATABASE_URL=settings.database_url,
                REDIS_URL=settings.redis_url,
                WEATHER_PROVIDER="open-meteo",
                WEATHER_URL=weather,
            )
            for port in ports
        ]
        for worker in workers:
            stack.callback(worker.stop)
        assert wait_until(lambda: all('"serving"' in x.said for x in workers), PATIENCE)
        yield workers, [f"http://127.0.0.1:{port}" for port in ports]
    assert not any('"error.stack_trace"' in worker.said for worker in workers)


async def hesitant(request: web.Request) -> web.StreamResponse:
    """Answer after a while, so that everybody who comes finds nothing."""
    await asyncio.sleep(0.1)
    return await honest(request)


async def silent(_: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError("nobody waits so long")


def asked(stage: Stage) -> Counter[tuple[str, str]]:
    """Return how often each place was asked for."""
    pairs = [
        (q["latitude"].split(","), q["longitude"].split(",")) for q in stage.queries(FORECAST)
    ]
    return Counter(place for lat, lon in pairs for place in zip(lat, lon, strict=True))


async def look(client: ClientSession, url: str, page: int = 1, size: int = TOWNS) -> float:
    """List cities; return the seconds that took."""
    started = time.perf_counter()
    async with client.get(f"{url}{CITIES}?page={page}&size={size}") as response:
        assert response.status == 200, await response.text()
        await response.read()
    return time.perf_counter() - started


async def warm(client: ClientSession, urls: Sequence[str]) -> int:
    """Return how many cities have weather at each worker, the least of them."""
    known = []
    for url in urls:
        async with client.get(f"{url}{CITIES}?size={TOWNS}") as response:
            items = (await response.json())["items"]
        known.append(sum(item["weather"] is not None for item in items))
    return min(known)


def spread(times: Sequence[float]) -> dict[str, float]:
    """Return what is usual and what is seldom, in seconds."""
    ordered = sorted(times)
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)
        for name, share in shares.items()
    }
