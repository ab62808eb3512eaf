"""`shop-api dev` as its user meets it: a process that is started, used, stopped and killed."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from cli import NAMED
from cli.dev import FOLDER, POSTGRES
from embedded import postgres
from embedded.process import wait_until
from tests.support.http import fetch
from tests.support.processes import PATIENCE, PROJECT, SHOP_API, ShopApi, free_port, taken


class House(ShopApi):
    """A running house."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        super().__init__(folder.parent / "dev.log", "dev", "--folder", str(folder), **environment)

    @property
    def url(self) -> str:
        """Return the address from the banner, "" before it is printed."""
        lines = [line.split() for line in self.said.splitlines()]
        return next((words[1] for words in lines if words[:1] == ["shop-api"]), "")

    @property
    def postgresql(self) -> int:
        """Return the pid of its PostgreSQL."""
        home = postgres.home(self._folder / POSTGRES)
        return int((home / "data/postmaster.pid").read_text().split()[0])


Start = Callable[..., House]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a way to start the house in a folder of this test, and wait until it is up or over."""
    with ExitStack() as stack:
        stack.callback(clean, tmp_path / "house")

        def begin(**environment: str) -> House:
            house = House(tmp_path / "house", **environment)
            stack.callback(house.stop)
            assert wait_until(lambda: bool(house.url) or house.ended, PATIENCE), house.said
            return house

        yield begin


def clean(folder: Path) -> None:
    """Remove what `shop-api dev` keeps outside of the test's own folder when root runs it."""
    home = postgres.home(folder / POSTGRES)
    if home.exists():
        shutil.rmtree(home)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class TestDev:
    def test_serves_seeded_data_and_finds_it_again(self, start: Start) -> None:
        house = start(APP_PORT=free_port())
        first = orjson.loads(fetch(f"{house.url}/api/v1/shop/shops"))
        assert first["total"] > 0
        server = house.postgresql
        assert house.stop() == 0, house.said
        assert is_gone(server)
        again = start(APP_PORT=free_port())
        assert orjson.loads(fetch(f"{again.url}/api/v1/shop/shops")) == first

    def test_works_after_everything_was_killed(self, start: Start) -> None:
        house = start(APP_PORT=free_port())
        server = house.postgresql
        os.kill(house.process.pid, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)
        house.process.wait()
        again = start(APP_PORT=free_port())
        assert orjson.loads(fetch(f"{again.url}/readyz"))["status"] == "ready"

    def test_stops_by_ctrl_c(self, start: Start) -> None:
        house = start(APP_PORT=free_port())
        server = house.postgresql
        os.killpg(house.process.pid, signal.SIGINT)
        assert house.process.wait(PATIENCE) == 0, house.said
        assert is_gone(server)

    def test_runs_once_and_is_stopped_by_down(self, start: Start, tmp_path: Path) -> None:
        house = start(APP_PORT=free_port())
        second = start()
        assert second.process.wait(PATIENCE) == 1
        assert f"already running (pid {house.process.pid}) at {house.url}" in second.said
        down = [*SHOP_API, "down", "--reset", "--folder", str(tmp_path / "house")]
        stopped = subprocess.run(down, cwd=PROJECT, capture_output=True, text=True, check=True)
        assert stopped.stdout == "Stopped.\nThe data is gone.\n"
        assert house.process.wait(PATIENCE) == 0
        assert not (tmp_path / "house").exists()


@pytest.mark.chaos
class TestKilledAlone:
    def test_leaves_servers_that_down_stops(self, start: Start, tmp_path: Path) -> None:
        house = start(APP_PORT=free_port())
        orphan = house.postgresql
        os.kill(house.process.pid, signal.SIGKILL)
        house.process.wait()
        assert not is_gone(orphan)
        down = [*SHOP_API, "down", "--reset", "--folder", str(tmp_path / "house")]
        stopped = subprocess.run(down, cwd=PROJECT, capture_output=True, text=True, check=True)
        assert stopped.stdout == "Nothing was running.\nThe data is gone.\n"
        assert wait_until(lambda: is_gone(orphan), PATIENCE)  # whoever adopted it buries it

    def test_closed_terminal_is_an_end(self, start: Start) -> None:
        house = start(APP_PORT=free_port())
        server = house.postgresql
        house.process.send_signal(signal.SIGHUP)
        assert house.process.wait(PATIENCE) == 0, house.said
        assert is_gone(server)


@pytest.mark.chaos
class TestLentServers:
    def test_serve_other_commands_while_it_runs(
        self, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in NAMED:
            monkeypatch.delenv(name, raising=False)
        house = start(APP_PORT=free_port())
        (tmp_path / FOLDER).symlink_to(tmp_path / "house")
        doctor = ShopApi(tmp_path / "doctor.log", "doctor")
        assert doctor.process.wait(PATIENCE) == 0, doctor.said
        assert (tmp_path / "house/servers.json").stat().st_mode & 0o777 == 0o600
        assert house.stop() == 0
        doctor = ShopApi(tmp_path / "doctor.log", "doctor", DATABASE_URL="postgresql://h:1/x")
        assert doctor.process.wait(PATIENCE) == 1


class TestPort:
    def test_that_is_wanted_and_taken_is_refused(self, start: Start) -> None:
        with taken() as port:
            house = start(APP_PORT=str(port))
        assert house.process.wait(PATIENCE) == 1
        assert f"Error: Cannot listen on 127.0.0.1:{port}" in house.said
        assert "Traceback" not in house.said

    def test_that_nobody_asked_for_is_replaced(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("APP_PORT", raising=False)
        with taken(8000):
            house = start()
        assert "Port 8000 is taken" in house.said
        assert fetch(f"{house.url}/livez")


class TestServersOfOnesOwn:
    @pytest.mark.parametrize(
        ("variable", "address", "name"),
        [
            ("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/postgres", "PostgreSQL"),
            ("REDIS_URL", "redis://127.0.0.1:1/0", "Redis"),
        ],
    )
    def test_are_used_instead(self, start: Start, variable: str, address: str, name: str) -> None:
        house = start(**{variable: address})
        assert house.process.wait(PATIENCE) == 1
        assert f"Error: {name} cannot be used" in house.said
        assert f"correct {variable}" in house.said
        assert "Traceback" not in house.said
