"""/metrics with several workers: right on any scrape, whoever has died, and nothing is left."""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from embedded.process import wait_until
from kit.settings import Settings
from tests.kit.scraping import Scraped, scraped
from tests.support.http import fetch
from tests.support.processes import PATIENCE, ShopApi, free_port

SENT, SCRAPES, HELD = 200, 25, 6
REQUESTS = ("http_request_duration_seconds_count", "/livez")
BOOTED = re.compile(r"Booting worker with pid: (\d+)")
SLOW = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    b"Content-Type: application/json\r\n\r\n{"
)


class House:
    """Two workers behind one socket, whose temporary files lie in a folder of their own."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.port, self.folder = free_port(), folder
        self.command = ShopApi(
            folder.parent / "serve.log",
            *("serve", "--workers", "2"),
            APP_PORT=self.port,
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
            TMPDIR=str(folder),
        )
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        """Return the processes that were ever begun."""
        return [int(pid) for pid in BOOTED.findall(self.command.said)]

    def scrape(self) -> Scraped:
        """Scrape some worker."""
        return scraped(self.url)

    def served(self) -> float:
        """Return how many requests one scrape knows of."""
        labels = {"method": "GET", "route": REQUESTS[1], "status": "200"}
        return self.scrape().count(REQUESTS[0], **labels)

    def shows(self, name: str, value: float) -> Callable[[], bool]:
        """Give a condition on what a scrape shows."""
        return lambda: self.scrape().of(name) == value


@pytest.fixture
def house(settings: Settings, tmp_path: Path) -> Iterator[House]:
    """Run it until the test ends."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    running = House(folder, settings)
    try:
        assert wait_until(lambda: len(running.pids) == 2, PATIENCE), running.command.said
        assert wait_until(running.shows("shop_api_db_pool_size", 20), PATIENCE)
        yield running
    finally:
        running.command.stop()


class TestTwoWorkers:
    def test_show_the_same_on_any_scrape_and_leave_no_files(self, house: House) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fetch, [f"{house.url}/livez"] * SENT))
        assert [house.served() for _ in range(SCRAPES)] == [SENT] * SCRAPES
        writers = {path.name.split("_")[1] for path in house.folder.glob("*/histogram_*.db")}
        assert len(writers) == 2  # both have served, so each scrape is a sum
        assert len(list(house.folder.glob("shop-api-metrics-*"))) == 1
        assert house.command.stop() == 0
        assert list(house.folder.iterdir()) == []

    @pytest.mark.chaos
    def test_keep_what_a_dead_one_has_counted_and_forget_what_it_was_doing(
        self, house: House
    ) -> None:
        for _ in range(SENT // 4):
            fetch(f"{house.url}/livez")
        in_progress = "http_requests_in_progress"
        with ExitStack() as stack:
            for _ in range(HELD):
                held = stack.enter_context(socket.create_connection(("127.0.0.1", house.port)))
                held.sendall(SLOW)
            assert wait_until(house.shows(in_progress, HELD + 1), PATIENCE)
            for pid in house.pids[:2]:
                os.kill(pid, signal.SIGKILL)
            assert wait_until(lambda: len(house.pids) == 4, PATIENCE)
            assert wait_until(house.shows("shop_api_db_pool_size", 20), PATIENCE)
            assert house.scrape().of(in_progress) == 1
        assert [house.served() for _ in range(SCRAPES)] == [SENT // 4] * SCRAPES
