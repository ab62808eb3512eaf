"""Two workers as processes of their own, a broker that can be switched off, events in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from kit import outbox
from kit.db import Database
from kit.settings import Settings
from tests.chaos import brokers
from tests.support.processes import ShopApi


@pytest.fixture
def broker() -> Iterator[brokers.Broker]:
    """Run a broker of this test's own."""
    with brokers.broker() as running:
        yield running


@pytest.fixture
def chaos_settings(busy_settings: Settings, broker: brokers.Broker) -> Settings:
    """Point at this test's own database and broker."""
    return replace(busy_settings, kafka_servers=broker.address)


@pytest_asyncio.fixture
async def begin_worker(
    chaos_settings: Settings, tmp_path: Path
) -> AsyncIterator[Callable[[], ShopApi]]:
    """Give a way to start `shop-api worker`; all end with the test."""
    begun: list[ShopApi] = []

    def begin() -> ShopApi:
        begun.append(
            ShopApi(
                tmp_path / f"worker{len(begun)}.log",
                "worker",
                DATABASE_URL=chaos_settings.database_url,
                REDIS_URL=chaos_settings.redis_url,
                KAFKA_BOOTSTRAP_SERVERS=chaos_settings.kafka_servers,
            )
        )
        return begun[-1]

    yield begin
    for worker in begun:
        if not worker.ended:
            worker.process.kill()
            worker.process.wait()


@pytest.fixture
def drained(busy_database: Database) -> Callable[[float], Awaitable[float]]:
    """Give a way to wait until the outbox is empty; it returns the seconds that took."""

    async def wait(patience: float) -> float:
        started = time.monotonic()
        while time.monotonic() - started < patience:
            async with busy_database.reading() as session:
                number, _ = await outbox.waiting(session)
            if number == 0:
                return round(time.monotonic() - started, 2)
            await asyncio.sleep(0.05)
        raise AssertionError(f"{number} events still wait after {patience} s")

    return wait
