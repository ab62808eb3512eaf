"""Nobody sees another's data, at two served processes under many calls (promise 4)."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis import asyncio as aioredis

from embedded.process import wait_until
from kit.db import Database
from kit.settings import Settings
from tests.kit.events import tell
from tests.support.processes import PATIENCE, ShopApi, free_port
from tests.users.crowd import Crowd, open_client

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

REQUESTS = 20_000
PROCESSES = 2


@pytest.fixture
def served(busy_settings: Settings, tmp_path: Path) -> Iterator[list[str]]:
    """Serve the house by processes of their own; give their addresses."""
    ports = [free_port() for _ in range(PROCESSES)]
    begun = [
        ShopApi(
            tmp_path / f"serve-{port}.log",
            *("serve", "--workers", "1"),
            APP_PORT=port,
            DATABASE_URL=busy_settings.database_url,
            REDIS_URL=busy_settings.redis_url,
            KAFKA_BOOTSTRAP_SERVERS=busy_settings.kafka_servers,
        )
        for port in ports
    ]
    try:
        assert wait_until(lambda: all('"serving"' in x.said for x in begun), PATIENCE)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        codes = [process.stop() for process in begun]
    assert codes == [0] * PROCESSES
    assert not any('"error.stack_trace"' in process.said for process in begun)


@pytest_asyncio.fixture
async def crowd(
    served: list[str], busy_database: Database, redis: aioredis.Redis
) -> AsyncIterator[Crowd]:
    """Give the people at the doors of both processes."""
    assert await redis.ping()
    async with open_client() as client:
        yield await Crowd.gather(client, served, busy_database)


async def test_nobody_sees_others_data(crowd: Crowd) -> None:
    started = time.monotonic()
    figures = await crowd.call(REQUESTS)
    tell(f"50 people, two processes, {time.monotonic() - started:.0f} s", figures)
    assert figures.mismatches == []
    assert figures.asked == REQUESTS
    assert figures.statuses.keys() <= {200, 503}
    assert figures.statuses[200] >= REQUESTS * 0.5
    assert REQUESTS * 0.2 <= figures.hung_up <= REQUESTS * 0.4
