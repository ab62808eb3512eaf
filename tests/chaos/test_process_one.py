"""As process 1 of a container, without an init: told to end it ends, and it buries orphans."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest

from embedded.process import wait_until
from kit.settings import Settings
from tests.kit.events import tell
from tests.support.houses import children
from tests.support.processes import PATIENCE, SHOP_API, ShopApi, free_port

ALONE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
ENDS_WITHIN = 10.0  # seconds, after which a container would be killed
# A shell that ends before what it has put into the background: that becomes a child of process 1.
ORPHAN = ["sh", "-c", "sleep 0.2 & exit"]


def may_unshare() -> bool:
    """Tell whether this machine lets us make a namespace of processes."""
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(not may_unshare(), reason="no namespace of processes can be made here"),
]


class First(ShopApi):
    """A command that is process 1 of a namespace of its own."""

    program: ClassVar = [*ALONE, *SHOP_API]

    @property
    def pid(self) -> int:
        """Return its process id outside."""
        (pid,) = children(self.process.pid)
        return pid


Begin = Callable[..., First]


@pytest.fixture
def begin(busy_settings: Settings, tmp_path: Path) -> Iterator[Begin]:
    """Give a way to start commands; none outlives the test."""
    with ExitStack() as stack:

        def start(*arguments: str) -> First:
            command = First(
                tmp_path / "first.log",
                *arguments,
                APP_PORT=free_port(),
                DATABASE_URL=busy_settings.database_url,
                REDIS_URL=busy_settings.redis_url,
                KAFKA_BOOTSTRAP_SERVERS=busy_settings.kafka_servers,
            )
            stack.callback(command.process.wait)
            stack.callback(command.process.kill)  # and with it all that is in the namespace
            return command

        yield start


def ended(command: First) -> float:
    """Tell process 1 to end; return how many seconds that took."""
    started = time.monotonic()
    os.kill(command.pid, signal.SIGTERM)
    command.process.wait(PATIENCE)
    return round(time.monotonic() - started, 2)


@pytest.mark.parametrize(
    ("arguments", "ready", "times"),
    [
        (("serve", "--workers", "1"), '"serving"', 1),
        (("serve", "--workers", "2"), "Booting worker", 2),
        (("worker",), '"working"', 1),
    ],
)
class TestProcessOne:
    def test_ends_when_told(
        self, begin: Begin, arguments: tuple[str, ...], ready: str, times: int
    ) -> None:
        command = begin(*arguments)
        assert wait_until(lambda: command.said.count(ready) == times, PATIENCE), command.said
        seconds = ended(command)
        tell(f"{' '.join(arguments)} as process 1, seconds until it ended", seconds)
        assert command.process.returncode == 0, command.said
        assert seconds <= ENDS_WITHIN

    def test_buries_orphans(
        self, begin: Begin, arguments: tuple[str, ...], ready: str, times: int
    ) -> None:
        command = begin(*arguments)
        assert wait_until(lambda: command.said.count(ready) == times, PATIENCE), command.said
        own = children(command.pid)
        enter = ["nsenter", "--target", str(command.pid), "--pid", *ORPHAN]
        subprocess.run(enter, check=True)
        adopted = children(command.pid) - own
        assert len(adopted) == 1
        assert wait_until(lambda: children(command.pid) == own, PATIENCE)


class TestStarting:
    def test_ends_when_told(self, begin: Begin) -> None:
        command = begin("serve", "--workers", "1")
        assert wait_until(lambda: handles_term(command), PATIENCE)
        seconds = ended(command)
        tell("a start that was told to end, seconds until it ended", seconds)
        assert seconds <= ENDS_WITHIN


def handles_term(command: First) -> bool:
    """Tell whether process 1 is there and has a handler for SIGTERM."""
    if not children(command.process.pid):
        return False
    status = Path(f"/proc/{command.pid}/status").read_text().splitlines()
    (caught,) = [line.split()[1] for line in status if line.startswith("SigCgt")]
    return bool(int(caught, 16) & 1 << signal.SIGTERM - 1)
