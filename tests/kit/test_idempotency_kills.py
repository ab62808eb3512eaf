"""Promises 2 and 7: whatever is killed amid requests, each key has one effect, and none is stuck.

KILLS sets how often the server, or one of its two workers, is killed.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientResponse, ClientSession, CookieJar
from redis import asyncio as aioredis

from embedded.process import wait_until
from kit.db import Database
from kit.settings import Settings
from tests.kit.rush import census, code_of, effect
from tests.seed.test_cli import until
from tests.support.clients import API, PASSWORD, add_user
from tests.support.keys import APPLICATIONS, KEY, ORDERS, application, is_first
from tests.support.processes import PATIENCE, ShopApi, free_port
from tests.support.shops import add_offers, one_of_each, rows, value

pytestmark = pytest.mark.concurrent

KILLS = int(os.environ.get("KILLS", "3"))
CLIENTS = 8
BETWEEN = 15  # answers between two kills
PAUSE = 0.02  # seconds before a client tries again
AGAIN = {"request-in-progress", "database-unavailable", "sessions-unavailable"}
BOOTED = re.compile(r"Booting worker with pid: (\d+)")
UNFINISHED = "SELECT count(*) FROM idempotency_keys WHERE status IS DISTINCT FROM 201"
AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND state <> 'idle'
"""


@dataclass
class Mortal:
    """The service in processes of its own, which can be killed and started again."""

    settings: Settings
    log: Path
    workers: int
    port: str = field(default_factory=free_port)
    commands: list[ShopApi] = field(default_factory=list)

    async def start(self) -> None:
        """Start the server and wait until it serves."""
        command = ShopApi(
            self.log,
            *("serve", "--workers", str(self.workers)),
            APP_PORT=self.port,
            DATABASE_URL=self.settings.database_url,
            REDIS_URL=self.settings.redis_url,
            RATE_LIMITER_CALLS="1000000",
        )
        self.commands.append(command)
        serving = "serving" if self.workers == 1 else "Booting worker"

        def ready() -> bool:
            return command.said.count(serving) >= self.workers

        assert await asyncio.to_thread(wait_until, ready, PATIENCE), command.said

    async def kill(self) -> None:
        """Kill the server, or the older one of its workers; whoever has to starts the next."""
        command = self.commands[-1]
        if self.workers == 1:
            command.process.kill()
            await asyncio.to_thread(command.process.wait)
            await self.start()
            return
        booted = BOOTED.findall(command.said)
        os.kill(int(booted[-self.workers]), signal.SIGKILL)

        def replaced() -> bool:
            return len(BOOTED.findall(command.said)) > len(booted)

        assert await asyncio.to_thread(wait_until, replaced, PATIENCE), command.said


@dataclass
class Crowd:
    """Clients that ask for one thing after the other, each until it is answered."""

    client: ClientSession
    order: object
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    answers: dict[str, tuple[str, int]] = field(default_factory=dict)  # key -> path, id
    torn: int = 0

    async def work(self, number: int) -> None:
        """Ask until it is time to stop, every other client for applications."""
        path, body = [(ORDERS, self.order), (APPLICATIONS, application())][number % 2]
        done = 0
        while not self.stop.is_set():
            key, done = f"{number}-{done}", done + 1
            async with asyncio.timeout(PATIENCE):
                response = await self.insist(path, key, body)
            self.answers[key] = path, (await response.json())["id"]

    async def insist(self, path: str, key: str, body: object) -> ClientResponse:
        """Send a request until it is answered for good."""
        while True:
            try:
                response = await self.client.post(path, json=body, headers={KEY: key})
                code = await code_of(response)
            except (ClientError, OSError):
                self.torn += 1
            else:
                if code not in AGAIN:
                    assert code == "201", await response.text()
                    return response
            await asyncio.sleep(PAUSE)

    async def until_more(self) -> None:
        """Return when some more answers have arrived."""
        wanted = len(self.answers) + BETWEEN

        async def arrived() -> bool:
            return len(self.answers) >= wanted

        await until(arrived)

    def ids(self, path: str) -> list[int]:
        """Return what was made."""
        return sorted(made for where, made in self.answers.values() if where == path)


@pytest_asyncio.fixture(params=[1, 2])
async def mortal(
    request: pytest.FixtureRequest, busy_settings: Settings, redis: aioredis.Redis, tmp_path: Path
) -> AsyncIterator[Mortal]:
    """Serve in one process, or in two workers."""
    service = Mortal(busy_settings, tmp_path / "serve.log", request.param)
    try:
        await service.start()
        yield service
    finally:
        await asyncio.to_thread(service.commands[-1].stop)


async def losses(database: Database, crowd: Crowd, before: dict[str, int]) -> list[str]:
    """Say what PostgreSQL does not bear out, when the last transaction has ended."""

    async def quiet() -> bool:
        return not await value(database, AT_WORK)

    await until(quiet)
    made = {"orders": crowd.ids(ORDERS), "applications": crowd.ids(APPLICATIONS)}
    wanted = {table: len(ids) for table, ids in made.items()}
    wanted |= {"order_items": 2 * wanted["orders"], "stock": -2 * wanted["orders"]}
    wanted["events"] = len(crowd.answers)
    done = effect(before, await census(database))
    found = [] if done == wanted else [f"{done}, not {wanted}"]
    for table, ids in made.items():
        stored = await rows(database, f"SELECT id FROM {table} ORDER BY id")
        if [row["id"] for row in stored] != ids:
            found.append(f"other {table} than were answered")
    unfinished = await value(database, UNFINISHED)
    return found + ([f"{unfinished} keys without an answer"] if unfinished else [])


@pytest.mark.timeout(60 + 20 * KILLS)
async def test_each_key_has_one_effect_and_none_is_stuck(
    mortal: Mortal, busy_database: Database
) -> None:
    await add_user(busy_database, "alice")
    order = one_of_each(await add_offers(busy_database, 2, available=1_000_000))
    before = await census(busy_database)
    url = f"http://127.0.0.1:{mortal.port}"
    async with ClientSession(url, cookie_jar=CookieJar(unsafe=True)) as client:
        credentials = {"login": "alice", "password": PASSWORD}
        assert (await client.post(f"{API}/auth/login", json=credentials)).status == 200
        crowd = Crowd(client, order)
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(crowd.work(number))
            for _ in range(KILLS):
                await crowd.until_more()
                await mortal.kill()
            await crowd.until_more()
            crowd.stop.set()
        assert await losses(busy_database, crowd, before) == []
        assert crowd.torn
        for key, (path, made) in crowd.answers.items():
            body = order if path == ORDERS else application()
            response = await crowd.insist(path, key, body)
            assert (not is_first(response), (await response.json())["id"]) == (True, made)
