"""`shop-api dev` as its user meets it: a process that is started, used, stopped and killed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson
import pytest

from cli.dev import POSTGRES
from embedded import postgres
from embedded.process import wait_until
from tests.support.http import fetch

DEV = [sys.executable, "-c", "import cli; cli.main()"]
PROJECT = Path(__file__).parent.parent.parent
PATIENCE = 40.0  # seconds

Start = Callable[..., "House"]


class House:
    """A running `shop-api dev` and what it has printed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.log = folder.parent / "dev.log"
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*DEV, "dev", "--folder", str(folder)],
                cwd=PROJECT,
                env=os.environ | {"BCRYPT_ROUNDS": "4", "LOG_FORMAT": "json"} | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._start = start

    @property
    def said(self) -> str:
        return self.log.read_bytes()[self._start :].decode()

    @property
    def url(self) -> str:
        lines = [line.split() for line in self.said.splitlines()]
        return next((words[1] for words in lines if words[:1] == ["shop-api"]), "")

    def is_up(self) -> bool:
        return self.process.poll() is not None or bool(self.url)

    def children(self) -> list[int]:
        """List the pids of the servers, as they say themselves."""
        folder = self.log.parent / "house"
        home = postgres.home(folder / POSTGRES)
        return [int((home / "data/postmaster.pid").read_text().split()[0])]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a way to start the house in a folder of this test, and wait until it is up."""
    with ExitStack() as stack:

        def begin(**environment: str) -> House:
            house = House(tmp_path / "house", environment)
            stack.callback(_end, house.process)
            assert wait_until(house.is_up, PATIENCE), house.said
            return house

        yield begin


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    with taken_port() as port:
        return port


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class TestDev:
    def test_serves_seeded_data_and_finds_it_again(self, start: Start) -> None:
        house = start(APP_PORT=str(free_port()))
        assert house.url, house.said
        first = orjson.loads(fetch(f"{house.url}/api/v1/shop/shops"))
        assert first["total"] > 0
        (server,) = house.children()
        house.process.terminate()
        assert house.process.wait(PATIENCE) == 0, house.said
        assert is_gone(server)
        again = start(APP_PORT=str(free_port()))
        assert orjson.loads(fetch(f"{again.url}/api/v1/shop/shops")) == first

    def test_works_after_everything_was_killed(self, start: Start) -> None:
        house = start(APP_PORT=str(free_port()))
        (server,) = house.children()
        os.kill(house.process.pid, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)
        house.process.wait()
        again = start(APP_PORT=str(free_port()))
        assert orjson.loads(fetch(f"{again.url}/readyz"))["status"] == "ready"

    def test_stops_by_ctrl_c(self, start: Start) -> None:
        house = start(APP_PORT=str(free_port()))
        (server,) = house.children()
        os.killpg(house.process.pid, signal.SIGINT)
        assert house.process.wait(PATIENCE) == 0, house.said
        assert is_gone(server)

    def test_runs_once_and_is_stopped_by_down(self, start: Start, tmp_path: Path) -> None:
        house = start(APP_PORT=str(free_port()))
        second = start()
        assert second.process.wait(PATIENCE) == 1
        assert f"already running (pid {house.process.pid}) at {house.url}" in house.said
        down = [*DEV, "down", "--reset", "--folder", str(tmp_path / "house")]
        stopped = subprocess.run(down, cwd=PROJECT, capture_output=True, text=True, check=True)
        assert stopped.stdout == "Stopped.\nThe data is gone.\n"
        assert house.process.wait(PATIENCE) == 0
        assert not (tmp_path / "house").exists()

    def test_refuses_a_wanted_port_that_is_taken(self, start: Start) -> None:
        with taken_port() as port:
            house = start(APP_PORT=str(port))
        assert house.process.wait(PATIENCE) == 1
        assert f"Error: Cannot listen on 127.0.0.1:{port}" in house.said
        assert "Traceback" not in house.said

    def test_uses_the_servers_that_the_environment_names(self, start: Start) -> None:
        house = start(DATABASE_URL="postgresql://postgres@127.0.0.1:1/postgres")
        assert house.process.wait(PATIENCE) == 1
        assert "PostgreSQL cannot be used" in house.said
        assert "Traceback" not in house.said
