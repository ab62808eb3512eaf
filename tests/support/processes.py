"""`shop-api` as a process of its own, and the ports that it may take."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

SHOP_API = [sys.executable, "-c", "import cli; cli.main()"]
PROJECT = Path(__file__).parent.parent.parent
PATIENCE = 40.0  # seconds
# compiled modules are kept, for a command starts in two thirds of the time with them
QUICK = {"BCRYPT_ROUNDS": "4", "LOG_FORMAT": "json", "PYTHONDONTWRITEBYTECODE": ""}


class ShopApi:
    """A running command and what it has printed so far."""

    program: ClassVar = SHOP_API

    def __init__(self, log: Path, *arguments: str, **environment: str) -> None:
        self._log = log
        self._start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.program, *arguments],
                cwd=log.parent,  # where no developer's .env lies
                env=os.environ | QUICK | {"PYTHONPATH": str(PROJECT)} | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Return what this run has printed."""
        return self._log.read_bytes()[self._start :].decode()

    @property
    def ended(self) -> bool:
        """Tell whether the process is over."""
        return self.process.poll() is not None

    def stop(self) -> int:
        """End the process if it still runs; return its exit code."""
        if not self.ended:
            self.process.terminate()
        return self.process.wait(PATIENCE)


class Alone(ShopApi):
    """One domain by itself, and what it has printed so far; the first argument names it."""

    program: ClassVar = [sys.executable, "-m"]


@contextmanager
def taken(port: int = 0) -> Iterator[int]:
    """Hold a port, any free one or a certain one, whoever else holds it already."""
    with socket.socket() as listening:
        with suppress(OSError):
            listening.bind(("127.0.0.1", port))
            listening.listen()
            port = listening.getsockname()[1]
        yield port


def free_port() -> str:
    """Return a port that nobody listens on, as the environment wants it."""
    with taken() as port:
        return str(port)
