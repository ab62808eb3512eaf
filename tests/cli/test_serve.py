"""`shop-api serve`: one process, or several behind one socket."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from embedded.process import wait_until
from kit.settings import Settings
from tests.support.http import fetch
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi, free_port

READY = {1: "serving", 3: "Booting worker"}

Serve = Callable[[int], str]


@pytest.fixture
def serve(settings: Settings, tmp_path: Path) -> Iterator[Serve]:
    """Give a way to serve with a number of workers; all of them must end well."""
    with ExitStack() as stack:

        def start(workers: int) -> str:
            port = free_port()
            command = ShopApi(
                tmp_path / "serve.log",
                *("serve", "--workers", str(workers)),
                APP_PORT=port,
                DATABASE_URL=settings.database_url,
                REDIS_URL=settings.redis_url,
            )
            stack.callback(_ends_well, command)
            booted = READY[workers]
            assert wait_until(lambda: command.said.count(booted) == workers, PATIENCE)
            return f"http://127.0.0.1:{port}"

        yield start


def _ends_well(command: ShopApi) -> None:
    assert command.stop() == 0
    lines = lines_of(command.said)
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    assert not any("exception" in line for line in lines)


class TestServe:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_answers_with_that_many_workers(self, serve: Serve, workers: int) -> None:
        url = serve(workers)
        for _ in range(4 * workers):
            assert orjson.loads(fetch(f"{url}/readyz"))["status"] == "ready"
