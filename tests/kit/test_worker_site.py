"""What a worker shows: its loops, whether it can work, its metrics; and nothing unless asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout
from redis import asyncio as aioredis
from sqlalchemy.ext.asyncio import AsyncSession

from kit.consumer import Event, Handlers
from kit.db import Database
from kit.mails import Mail, enqueue
from kit.server import PortTaken
from kit.settings import Settings
from kit.worker import working
from tests.kit.events import TYPE, commit, own_name, until
from tests.kit.scraping import Scraped
from tests.support.processes import free_port, taken

pytestmark = pytest.mark.usefixtures("quick_groups")

LOOPS = ["consumer", "housekeeping", "mailer", "relay"]


class Worker:
    """A worker of this process, seen from outside."""

    def __init__(self, client: ClientSession, port: int) -> None:
        self._client, self._url = client, f"http://127.0.0.1:{port}"

    async def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return status and document."""
        async with self._client.get(f"{self._url}{path}") as response:
            return response.status, await response.json()

    async def scrape(self) -> Scraped:
        """Return what it has counted."""
        async with self._client.get(f"{self._url}/metrics") as response:
            assert response.status == 200
            return Scraped(await response.text())

    async def states(self) -> Mapping[str, str]:
        """Return the state of each loop."""
        loops: Mapping[str, str] = (await self.ask("/livez"))[1]["loops"]
        return loops


class Ear:
    """Handle events as a test wants it."""

    def __init__(self) -> None:
        self.topic, self.fails, self.hangs = own_name(), False, False

    async def hear(self, _: AsyncSession, __: Event) -> None:
        """Handle an event."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise ValueError("poison")

    def handlers(self, _: Settings, __: aioredis.Redis) -> Handlers:
        """Return what the worker does on hearing."""
        return {(self.topic, TYPE): self.hear}


@pytest.fixture
def ear() -> Ear:
    """Give what handles events."""
    return Ear()


@asynccontextmanager
async def shown(settings: Settings, ear: Ear) -> AsyncIterator[Worker]:
    """Run a worker that shows itself."""
    port = int(free_port())
    async with (
        working(replace(settings, worker_port=port), [ear.topic], ear.handlers),
        ClientSession(timeout=ClientTimeout(total=15)) as client,
    ):
        yield Worker(client, port)


@pytest.fixture
async def worker(busy_settings: Settings, ear: Ear) -> AsyncIterator[Worker]:
    """Run a worker on a database of its own."""
    async with shown(busy_settings, ear) as running:
        yield running


class TestLivez:
    async def test_names_each_loop(self, worker: Worker) -> None:
        status, document = await worker.ask("/livez")
        assert (status, document["status"]) == (200, "alive")
        assert document["loops"] == dict.fromkeys(LOOPS, "alive")

    @pytest.mark.chaos
    async def test_tells_a_loop_that_hangs_from_those_that_go_on(
        self,
        worker: Worker,
        ear: Ear,
        busy_database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("kit.pulse.LATE", 4.0)  # seconds; a quiet consumer beats twice in one
        monkeypatch.setattr("kit.worker.PRUNE_EVERY", 0.5)
        ear.hangs = True
        await commit(busy_database, ear.topic, "a", 1)

        async def hangs() -> bool:
            return (await worker.states())["consumer"] == "hanging"

        await until(hangs, 40)
        status, document = await worker.ask("/livez")
        assert (status, document["status"]) == (503, "broken")
        assert {document["loops"][name] for name in ("mailer", "relay")} == {"alive"}

    async def test_tells_of_a_loop_that_has_ended(
        self, busy_settings: Settings, ear: Ear, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def end(*_: object) -> None:
            """End as no loop ever should."""

        monkeypatch.setattr("kit.mailer.Mailer.run", end)
        async with shown(busy_settings, ear) as worker:
            status, document = await worker.ask("/livez")
        assert (status, document["loops"]["mailer"]) == (503, "ended")


class TestReadyz:
    async def test_is_about_postgresql(self, worker: Worker) -> None:
        status, document = await worker.ask("/readyz")
        assert (status, document["dependencies"]["postgresql"]["status"]) == (200, "up")

    async def test_says_when_postgresql_is_away(
        self, without_postgresql: Settings, ear: Ear
    ) -> None:
        async with shown(without_postgresql, ear) as worker:
            assert (await worker.ask("/readyz"))[0] == 503
            assert (await worker.ask("/livez"))[0] == 200  # a new process would not help
            assert (await worker.scrape()).of("shop_api_outbox_up") == 0


class TestMetrics:
    @pytest.mark.chaos
    async def test_count_what_is_sent_handled_and_mailed(
        self, quick_tries: None, worker: Worker, ear: Ear, busy_database: Database
    ) -> None:
        sent, handled = "shop_api_events_sent_total", "shop_api_events_handled_total"
        mails = (await worker.scrape()).count("shop_api_mails_total", result="sent")
        async with busy_database.writing() as session:
            await enqueue(session, Mail(own_name(), "anna@example.org", "Welcome", "Hello."))
        for number in range(3):
            await commit(busy_database, ear.topic, "a", number)

        async def is_done() -> bool:
            seen = await worker.scrape()
            return (
                seen.count(sent, topic=ear.topic) == 3
                and seen.count(handled, topic=ear.topic, result="handled") == 3
                and seen.count("shop_api_mails_total", result="sent") == mails + 1
            )

        await until(is_done, 30)
        ear.fails = True
        await commit(busy_database, ear.topic, "a", 4)

        async def is_parked() -> bool:
            seen = await worker.scrape()
            return seen.count(handled, topic=ear.topic, result="parked") == 1

        await until(is_parked, 30)
        seen = await worker.scrape()
        assert seen.count(handled, topic=ear.topic, result="failed") == 9
        assert seen.count(handled, topic=ear.topic, result="handled") == 3
        assert seen.of("shop_api_outbox_waiting") == 0


class TestPort:
    async def test_that_is_taken_is_told(self, busy_settings: Settings, ear: Ear) -> None:
        with taken() as port, pytest.raises(PortTaken, match="set WORKER_PORT"):
            async with working(
                replace(busy_settings, worker_port=port), [ear.topic], ear.handlers
            ):
                pass
