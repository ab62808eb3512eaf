"""Restarts under load lose nothing, and a killed worker loses only what it held (promise 21)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis import asyncio as aioredis

from kit.settings import Settings
from tests.chaos.visitors import HEALTHY, visiting
from tests.kit.events import tell, until
from tests.support.clients import API
from tests.support.houses import House, house
from tests.support.processes import PATIENCE

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

RESTARTS = 10
WORKERS = 2
VISITORS = 8
SHOPS = f"{API}/shop/shops"


@pytest_asyncio.fixture
async def two_workers(
    busy_settings: Settings, redis: aioredis.Redis, tmp_path: Path
) -> AsyncIterator[House]:
    """Serve with two workers."""
    async with house(busy_settings, tmp_path, WORKERS) as made:
        yield made


class TestRestarts:
    async def test_of_all_workers_at_once(self, two_workers: House) -> None:
        took = []
        async with visiting(two_workers.port, SHOPS, VISITORS) as visitors:
            for _ in range(RESTARTS):
                await asyncio.sleep(1.0)
                before = two_workers.workers
                os.kill(two_workers.master, signal.SIGHUP)
                took.append(round(await two_workers.replaced(before), 2))
        tell(f"{RESTARTS} x SIGHUP, seconds of each", took)
        tell("GETs meanwhile", visitors.figures)
        assert visitors.failed == 0
        assert visitors.raced == 0

    async def test_of_one_worker_after_the_other(self, two_workers: House) -> None:
        took = []
        async with visiting(two_workers.port, SHOPS, VISITORS) as visitors:
            for _ in range(RESTARTS // WORKERS):
                for worker in two_workers.workers:
                    await asyncio.sleep(0.5)
                    os.kill(worker, signal.SIGTERM)
                    took.append(round(await two_workers.replaced({worker}), 2))
        tell(f"{len(took)} workers told to end in turn, seconds of each", took)
        tell("GETs meanwhile", visitors.figures)
        assert visitors.failed == 0
        assert visitors.raced == 0


class TestKill:
    async def test_costs_only_what_the_worker_held(self, two_workers: House) -> None:
        took = []
        async with visiting(two_workers.port, SHOPS, VISITORS) as visitors:
            for _ in range(RESTARTS):
                await asyncio.sleep(1.0)
                worker = min(two_workers.workers)
                os.kill(worker, signal.SIGKILL)
                took.append(round(await two_workers.replaced({worker}), 2))
            before = sum(visitors.answers.values())

            async def go_on() -> bool:
                return sum(visitors.answers.values()) > before + 10 * VISITORS

            await until(go_on, PATIENCE)
        tell(f"{RESTARTS} x kill -9 of a worker, seconds until there are two again", took)
        tell("GETs meanwhile", visitors.figures)
        assert visitors.answers.keys() == {HEALTHY}
        assert visitors.failed + visitors.raced <= RESTARTS * VISITORS  # one each, in flight
