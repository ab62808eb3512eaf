"""A card is never older than what was answered, between two processes (promise 9)."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from redis import asyncio as aioredis

from embedded.process import wait_until
from kit.db import Database
from kit.settings import Settings
from tests.kit.events import tell
from tests.support.clients import API, PASSWORD, add_user
from tests.support.processes import PATIENCE, ShopApi, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

PAIRS = 5000
USERS = f"{API}/users"


@pytest.fixture
def two_workers(
    busy_settings: Settings, redis: aioredis.Redis, tmp_path: Path
) -> Iterator[list[str]]:
    """Serve in two processes over one database and one Valkey; yield their addresses."""
    with ExitStack() as stack:
        addresses = []
        for number in (0, 1):
            port = free_port()
            worker = ShopApi(
                tmp_path / f"serve{number}.log",
                "serve",
                APP_PORT=port,
                DATABASE_URL=busy_settings.database_url,
                REDIS_URL=busy_settings.redis_url,
                LOG_LEVEL="WARNING",
            )
            stack.callback(worker.stop)
            addresses.append(f"http://127.0.0.1:{port}")
            assert wait_until(partial(is_open, port), PATIENCE), worker.said
        yield addresses


def is_open(port: str) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


async def signed_in(stack: AsyncExitStack, address: str, name: str) -> ClientSession:
    """Make a client of one worker that is signed in."""
    jar = CookieJar(unsafe=True)
    client = await stack.enter_async_context(ClientSession(address, cookie_jar=jar))
    credentials = {"login": name, "password": PASSWORD}
    async with client.post(f"{API}/auth/login", json=credentials) as response:
        assert response.status == 200, await response.text()
    return client


@dataclass
class Pairs:
    """Change on one worker and read on the other; count what was shown too late."""

    writers: list[ClientSession]
    readers: list[ClientSession]
    address: str
    answered: int = -1  # the number of the last change that was answered
    stale: int = 0
    reads: int = 0

    async def run(self, pairs: int) -> None:
        """Take turns; reads race with each change, so that there are misses and late fills."""
        for number in range(pairs):
            await asyncio.gather(self.change(number), *map(self.read, self.readers))
            await self.read(self.readers[1 - number % 2])

    async def change(self, number: int) -> None:
        """Change the card and note when that was answered."""
        body = {"first_name": f"name {number}"}
        async with self.writers[number % 2].patch(f"{USERS}/me", json=body) as response:
            assert response.status == 200, await response.text()
        self.answered = number

    async def read(self, reader: ClientSession) -> None:
        """Read, and compare with what had been answered before."""
        at_least = self.answered
        async with reader.get(self.address) as response:
            assert response.status == 200, await response.text()
            shown = (await response.json())["first_name"]
        self.reads += 1
        self.stale += int(shown.removeprefix("name ")) < at_least


async def test_a_read_after_a_change_is_never_older(
    two_workers: list[str], busy_database: Database
) -> None:
    user_id = await add_user(busy_database, "alice", first_name="name -1")
    await add_user(busy_database, "bob")
    async with AsyncExitStack() as stack:
        writers = [await signed_in(stack, address, "alice") for address in two_workers]
        readers = [await signed_in(stack, address, "bob") for address in two_workers]
        pairs = Pairs(writers, readers, f"{USERS}/{user_id}")
        started = time.monotonic()
        await pairs.run(PAIRS)
        seconds = round(time.monotonic() - started, 1)
    tell(
        f"{PAIRS} pairs over two processes, stale reads of all, seconds",
        (pairs.stale, pairs.reads, seconds),
    )
    assert pairs.stale == 0
