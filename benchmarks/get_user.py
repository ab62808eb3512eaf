"""What showing a user costs: cached, missed, and read from the table each time."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest import mock

import aiohttp
import orjson
from redis import asyncio as aioredis

import cli
from benchmarks import house
from benchmarks.house import quantile, servers, timed, web
from kit.cache import Cache, Entry, Look
from kit.web import View
from users.entities import cache_name
from users.views.profiles import UserView

ROUNDS = 3000
WARM_UP = 200
PATH = "/api/v1/users"
WITHOUT_CACHE = "from benchmarks import get_user; get_user.without_cache()"
FORM = {
    "username": "reader",
    "email": "reader@example.org",
    "password": "correct horse battery",
    "first_name": "Reader",
    "second_name": "Example",
    "birthday": "1999-12-31",
}


def without_cache() -> None:
    """Be `shop-api`, but read the row each time."""

    async def through(
        _: Cache, __: str, load: Callable[[], Awaitable[Entry | None]], ___: Look | None = None
    ) -> Any:
        entry = await load()
        return orjson.loads(entry.to_json()) if entry and entry.body is not None else None

    with (
        mock.patch.object(Cache, "through", through),
        mock.patch.object(UserView, "along", View.along),
    ):
        cli.main()


@contextmanager
def web_without_cache() -> Iterator[str]:
    """Serve in one process that has no cache; yield the address."""
    with mock.patch.object(house, "SHOP_API", [sys.executable, "-c", WITHOUT_CACHE]), web() as url:
        yield url


@asynccontextmanager
async def visiting(*urls: str) -> AsyncIterator[tuple[list[aiohttp.ClientSession], str]]:
    """Sign in once for all servers; yield a client of each and the path of the own card."""
    jar = aiohttp.CookieJar(unsafe=True)
    clients = [aiohttp.ClientSession(url, cookie_jar=jar, raise_for_status=True) for url in urls]
    async with clients[0].post(PATH, json=FORM) as response:
        path = response.headers["Location"]
    credentials = {"login": FORM["username"], "password": FORM["password"]}
    async with clients[0].post("/api/v1/auth/login", json=credentials):
        pass
    yield clients, path
    for client in clients:
        await client.close()


async def measure(cached: str, uncached: str) -> None:
    """Take all three in turns, so that whatever else the machine does strikes all."""
    redis = aioredis.Redis.from_url(os.environ["REDIS_URL"])
    times: dict[str, list[float]] = {"hit": [], "miss": [], "no cache": []}
    async with visiting(cached, uncached) as ((with_cache, without), path), redis:
        key = Cache.key(cache_name(int(path.rpartition("/")[2])))
        for number in range(WARM_UP + ROUNDS):
            for what in list(times)[number % 3 :] + list(times)[: number % 3]:
                client = without if what == "no cache" else with_cache
                await timed(client, "GET", path)  # untimed: it fills the cache and warms up
                await redis.delete(key if what == "miss" else "nothing")
                took = await timed(client, "GET", path)
                times[what] += [took] if number >= WARM_UP else []
    print(f"GET {PATH}/{{id}}, {ROUNDS} each way, taken in turns:")
    for share in (0.5, 0.99):
        hit, miss, none = (quantile(times[what], share) for what in times)
        figures = f"hit {hit:5.2f} ms, miss {miss:5.2f} ms, no cache {none:5.2f} ms"
        print(f"  p{share * 100:.0f}  {figures}")
        print(f"       hit / no cache {hit / none:.2f}, miss / no cache {miss / none:.2f}")


def main() -> None:
    """Run the benchmark."""
    with servers(), web() as cached, web_without_cache() as uncached:
        asyncio.run(measure(cached, uncached))


if __name__ == "__main__":
    main()
