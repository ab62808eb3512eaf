"""What one and two web processes answer, and which server's processor each request costs."""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from unittest import mock

import aiohttp
import asyncpg

from benchmarks.house import quantile, run, servers, timed, web

ROUNDS = 3
SECONDS = 4.0  # for each kind of request, in each round
USERS = 200
TICK = os.sysconf("SC_CLK_TCK")
FORM = {"user_name": "Ada", "description": "a used book"}
CLIENTS = {  # how many ask at once
    "GET /livez": 16,
    "GET /api/v1/shop/books": 16,
    "GET /api/v1/applications": 16,
    "POST /api/v1/applications": 16,
    "POST /api/v1/auth/login": 8,
}
WHOSE = {"postgres": "postgresql", "valkey-server": "valkey", "redis-server": "valkey"}

Figures = dict[str, list[float]]


def children(pid: int) -> Iterator[int]:
    """Yield the processes below one."""
    for found in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, found.read_text().split()):
            yield child
            yield from children(child)


def spent() -> dict[str, float]:
    """Return the seconds of processor that each server has used so far."""
    total = {"web": 0.0, "postgresql": 0.0, "valkey": 0.0}
    for pid in children(os.getpid()):
        name, fields = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(") ", 1)
        used = sum(map(int, fields.split()[11:13])) / TICK
        total[WHOSE.get(name, "web")] += used
    return total


@contextmanager
def serving(workers: int) -> Iterator[str]:
    """Serve in so many processes; yield the address."""
    with mock.patch.dict(os.environ, WORKERS=str(workers)), web() as url:
        time.sleep(3)  # gunicorn listens before its processes are there
        yield url


async def ask(client: aiohttp.ClientSession, what: str, logins: list[str]) -> dict[str, float]:
    """Send one kind of request for a while; return its times, and what it cost each server."""
    method, path = what.split()
    names = itertools.cycle(logins)
    times: list[float] = []

    async def one(end: float) -> None:
        while time.monotonic() < end:
            form = {"login": next(names), "password": "skytrack"} if "login" in what else FORM
            times.append(
                await timed(client, method, path, json=form if method == "POST" else None)
            )

    await asyncio.gather(*(one(time.monotonic() + 0.5) for _ in range(CLIENTS[what])))
    times.clear()
    before, started = spent(), time.monotonic()
    await asyncio.gather(*(one(started + SECONDS) for _ in range(CLIENTS[what])))
    took, after = time.monotonic() - started, spent()
    found = {"req/s": len(times) / took, "p50 ms": median(times), "p99 ms": quantile(times, 0.99)}
    costs = {f"{name} ms": (after[name] - before[name]) * 1000 / len(times) for name in after}
    return found | costs


async def measure(url: str, logins: list[str]) -> dict[str, dict[str, float]]:
    """Ask for everything once."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(url, cookie_jar=jar, raise_for_status=True) as client:
        return {what: await ask(client, what, logins) for what in CLIENTS}


def main() -> None:
    """Run the benchmark; one and two take turns, so that whatever else goes on strikes both."""
    found: dict[int, dict[str, Figures]] = {1: {}, 2: {}}
    with servers():
        run("seed", "--users", str(USERS))
        logins = _logins()
        for _ in range(ROUNDS):
            for workers, sums in found.items():
                with serving(workers) as url:
                    for what, costs in asyncio.run(measure(url, logins)).items():
                        kept = sums.setdefault(what, {})
                        for name, value in costs.items():
                            kept.setdefault(name, []).append(value)
    for what in CLIENTS:
        one, two = ({k: median(v) for k, v in found[n][what].items()} for n in (1, 2))
        ratio = two["req/s"] / one["req/s"]
        print(f"{what}, {CLIENTS[what]} at once; 2 processes / 1: {ratio:.2f}")
        for workers, middle in ((1, one), (2, two)):
            print(f"  {workers}: " + ", ".join(f"{k} {v:.2f}" for k, v in middle.items()))


def _logins() -> list[str]:
    return [row["username"] for row in asyncio.run(_users())]


async def _users() -> list[asyncpg.Record]:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        return await connection.fetch("SELECT username FROM users")
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
