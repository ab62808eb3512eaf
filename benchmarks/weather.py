"""What weather costs a list of cities: known, asked for in vain, made up, and none at all."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from unittest import mock

import aiohttp
from aiohttp import web as aiohttp_web
from redis import asyncio as aioredis

import cli
from benchmarks import house
from benchmarks.house import quantile, run, servers, timed, web
from picnic.weather.forecasts import Forecasts, Known

ROUNDS = 400
WARM_UP = 50
PATH = "/api/v1/picnic/cities?size=20"
NAMES = ("known", "provider frozen", "made up", "none")
WITHOUT_WEATHER = "from benchmarks import weather; weather.without_weather()"
SEED = ("--users", "5", "--orders", "0", "--picnics", "0", "--applications", "0")

Play = Callable[[aiohttp_web.Request], Awaitable[aiohttp_web.Response]]


def without_weather() -> None:
    """Be `shop-api`, but know nothing of the weather and ask nobody."""

    async def of(_: Forecasts, __: object) -> Known:
        return {}

    with mock.patch.object(Forecasts, "of", of):
        cli.main()


async def honest(request: aiohttp_web.Request) -> aiohttp_web.Response:
    """Answer as Open-Meteo does."""
    number = len(request.query["latitude"].split(","))
    answers = [{"current": {"time": 1_700_000_000, "temperature_2m": 20.5}}] * number
    return aiohttp_web.json_response(answers if number > 1 else answers[0])


async def frozen(_: aiohttp_web.Request) -> aiohttp_web.Response:
    """Never answer."""
    await asyncio.Event().wait()
    return aiohttp_web.Response()


@asynccontextmanager
async def provider(play: Play) -> AsyncIterator[str]:
    """Stand for Open-Meteo; yield the address."""
    app = aiohttp_web.Application()
    app.router.add_get("/v1/forecast", play)
    runner = aiohttp_web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextmanager
def houses(redis_url: str, honest_url: str, frozen_url: str) -> Iterator[list[str]]:
    """Serve one process of each kind, all but the last with weather; yield the addresses."""
    environments = [
        {"WEATHER_PROVIDER": "open-meteo", "WEATHER_URL": honest_url},
        {"WEATHER_PROVIDER": "open-meteo", "WEATHER_URL": frozen_url},
        {"WEATHER_PROVIDER": "fake"},
        {"WEATHER_PROVIDER": "fake"},
    ]
    bare = [sys.executable, "-c", WITHOUT_WEATHER]
    with ExitStack() as stack:
        urls = []
        for number, environment in enumerate(environments):
            apart = {"REDIS_URL": f"{redis_url}/{number}", **environment}
            command = bare if number == len(environments) - 1 else house.SHOP_API
            with (
                mock.patch.dict(os.environ, apart),
                mock.patch.object(house, "SHOP_API", command),
            ):
                urls.append(stack.enter_context(web()))
        yield urls


async def measure(urls: Sequence[str], forgetful: aioredis.Redis) -> dict[str, list[float]]:
    """Take all in turns, so that whatever else the machine does strikes all."""
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    clients = {name: aiohttp.ClientSession(url) for name, url in zip(NAMES, urls, strict=True)}
    for number in range(WARM_UP + ROUNDS):
        turn = number % len(NAMES)
        for name in NAMES[turn:] + NAMES[:turn]:
            await forgetful.flushdb()  # so that what is asked in vain is asked each time
            took = await timed(clients[name], "GET", PATH)
            times[name] += [took] if number >= WARM_UP else []
    for client in clients.values():
        await client.close()
    return times


async def compare(redis_url: str) -> None:
    """Print what was measured."""
    async with provider(honest) as there, provider(frozen) as away:
        with houses(redis_url, there, away) as urls:
            async with aioredis.Redis.from_url(f"{redis_url}/1") as forgetful:
                times = await measure(urls, forgetful)
    print(f"GET {PATH}, {ROUNDS} each way, taken in turns:")
    for share in (0.5, 0.99, 1.0):
        none = quantile(times["none"], share)
        figures = [(name, quantile(took, share)) for name, took in times.items()]
        print(f"  p{share * 100:<3.0f} " + ", ".join(f"{n} {t:6.2f} ms" for n, t in figures))
        print("       to none: " + ", ".join(f"{n} {t / none:5.2f}" for n, t in figures[:-1]))


def main() -> None:
    """Run the benchmark."""
    with servers():
        run("seed", *SEED)
        asyncio.run(compare(os.environ["REDIS_URL"].rpartition("/")[0]))


if __name__ == "__main__":
    main()
