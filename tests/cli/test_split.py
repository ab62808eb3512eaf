"""`shop-api split` as its user meets it: two services and a worker that live and end together."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from cli.dev import POSTGRES, VALKEY
from embedded import postgres, valkey
from embedded.process import wait_until
from tests.cli.test_dev import clean, is_gone
from tests.support.http import fetch
from tests.support.processes import PATIENCE, ShopApi

READY = "the cookie is good at both"

Start = Callable[[], ShopApi]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a way to start both services in a folder of this test, and wait until they are up."""
    with ExitStack() as stack:
        stack.callback(clean, tmp_path / "house")
        for server, name in (
            (postgres, POSTGRES),
            (valkey, VALKEY),
        ):  # what was killed leaves them
            stack.callback(server.stop_orphan, tmp_path / "house" / name)

        def begin() -> ShopApi:
            folder = str(tmp_path / "house")
            services = ShopApi(tmp_path / "split.log", "split", "--folder", folder)
            stack.callback(services.stop)
            assert wait_until(lambda: READY in services.said or services.ended, PATIENCE)
            return services

        yield begin


def addresses(services: ShopApi) -> dict[str, str]:
    """Return where the two services are, from the banner."""
    found = re.findall(r"^  (users|friends) +(http://[0-9.:]+)/", services.said, re.MULTILINE)
    return dict(found)


def children(services: ShopApi) -> list[int]:
    """Return the pids of the services and of their worker."""
    task = Path(f"/proc/{services.process.pid}/task/{services.process.pid}/children")
    pids = [int(pid) for pid in task.read_text().split()]
    ours = os.fsencode(sys.executable)
    return [pid for pid in pids if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(ours)]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for children in /proc")
class TestSplit:
    @pytest.mark.chaos
    def test_befriends_two_people_again_and_again(self, start: Start) -> None:
        services = start()
        assert "check: demo and admin are friends.\n" in services.said
        found = addresses(services)
        for name in ("users", "friends"):
            ready = orjson.loads(fetch(f"{found[name]}/readyz"))
            assert ready["status"] == "ready"
            assert ("users" in ready["dependencies"]) == (name == "friends")
        running = children(services)
        assert len(running) == 3
        assert services.stop() == 0, services.said
        assert all(map(is_gone, running))
        again = start()
        assert "check: demo and admin are friends already.\n" in again.said
        assert "Traceback" not in again.said
        running = children(again)
        again.process.kill()
        again.process.wait()
        assert wait_until(lambda: all(map(is_gone, running)), PATIENCE)

    @pytest.mark.chaos
    def test_ends_when_one_of_them_does(self, start: Start) -> None:
        services = start()
        running = children(services)
        os.kill(running[1], signal.SIGKILL)
        assert wait_until(lambda: services.ended, PATIENCE)
        assert services.process.returncode == 1
        assert "Error: One of the services has ended: friends with code -9." in services.said
        assert all(map(is_gone, running))
