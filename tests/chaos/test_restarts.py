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
from tests.support.processes import PATIENCE, ShopApi, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

RESTARTS = 10
WORKERS = 2
VISITORS = 8
SHOPS = f"{API}/shop/shops"


class House:
    """A gunicorn master with its workers."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.port = int(free_port())
        self.command = ShopApi(
            folder / "serve.log",
            *("serve", "--workers", str(WORKERS)),
            APP_PORT=str(self.port),
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
        )

    @property
    def workers(self) -> set[int]:
        """Return the process ids of the workers, which are the children of the master."""
        pid = self.command.process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    async def replaced(self, before: set[int]) -> float:
        """Wait until other workers have taken the place of these; return the seconds."""

        async def are_others() -> bool:
            return len(self.workers) == WORKERS and not self.workers & before

        return await until(are_others, PATIENCE)


@pytest_asyncio.fixture
async def house(
    busy_settings: Settings, redis: aioredis.Redis, tmp_path: Path
) -> AsyncIterator[House]:
    """Serve with two workers; all must end well."""
    made = House(busy_settings, tmp_path)

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", made.port)
        except OSError:
            return False
        writer.close()
        return len(made.workers) == WORKERS

    await until(answers, PATIENCE)
    yield made
    assert await asyncio.to_thread(made.command.stop) == 0


class TestRestarts:
    async def test_of_all_workers_at_once(self, house: House) -> None:
        took = []
        async with visiting(house.port, SHOPS, VISITORS) as visitors:
            for _ in range(RESTARTS):
                await asyncio.sleep(1.0)
                before = house.workers
                os.kill(house.command.process.pid, signal.SIGHUP)
                took.append(round(await house.replaced(before), 2))
        tell(f"{RESTARTS} x SIGHUP, seconds of each", took)
        tell("GETs meanwhile", visitors.figures)
        assert visitors.failed == 0
        assert visitors.raced == 0

    async def test_of_one_worker_after_the_other(self, house: House) -> None:
        took = []
        async with visiting(house.port, SHOPS, VISITORS) as visitors:
            for _ in range(RESTARTS // WORKERS):
                for worker in house.workers:
                    await asyncio.sleep(0.5)
                    os.kill(worker, signal.SIGTERM)
                    took.append(round(await house.replaced({worker}), 2))
        tell(f"{len(took)} workers told to end in turn, seconds of each", took)
        tell("GETs meanwhile", visitors.figures)
        assert visitors.failed == 0
        assert visitors.raced == 0


class TestKill:
    async def test_costs_only_what_the_worker_held(self, house: House) -> None:
        took = []
        async with visiting(house.port, SHOPS, VISITORS) as visitors:
            for _ in range(RESTARTS):
                await asyncio.sleep(1.0)
                worker = min(house.workers)
                os.kill(worker, signal.SIGKILL)
                took.append(round(await house.replaced({worker}), 2))
            before = sum(visitors.answers.values())

            async def go_on() -> bool:
                return sum(visitors.answers.values()) > before + 10 * VISITORS

            await until(go_on, PATIENCE)
        tell(f"{RESTARTS} x kill -9 of a worker, seconds until there are two again", took)
        tell("GETs meanwhile", visitors.figures)
        assert visitors.answers.keys() == {HEALTHY}
        assert visitors.failed + visitors.raced <= RESTARTS * VISITORS  # one each, in flight
