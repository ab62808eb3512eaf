"""Start a child server on a free port, wait until it answers, and stop it for certain."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from embedded.account import Account
from embedded.errors import EmbeddedError

START_SECONDS = 60.0  # recovery after a power cut takes its time
STOP_SECONDS = 10.0
PORT_ATTEMPTS = 5


@dataclass(frozen=True)
class Program:
    """Describe a server: how to run it on a port, when it is ready, how it likes to be stopped."""

    name: str
    command: Callable[[int], list[str]]
    ready: Callable[[int, int], bool]  # pid, port
    stop_signal: signal.Signals
    instead: str  # the variable that replaces the embedded server


def free_port() -> int:
    """Ask the kernel for a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.01) -> bool:
    """Poll a condition until it holds; False when it did not within the bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def last_line(text: str) -> str:
    """Return the line of a log that tells most: the last fatal one, or the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (fatal or lines or ["nothing was logged"])[-1]


def said(log: Path, offset: int) -> str:
    """Read what a log got after an offset, in bytes."""
    return log.read_bytes()[offset:].decode(errors="replace")


def stop(
    child: subprocess.Popen[bytes], kind: signal.Signals, seconds: float = STOP_SECONDS
) -> None:
    """Signal a child and wait; kill it when it does not leave within the bound."""
    child.send_signal(kind)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextmanager
def running(
    program: Program, log: Path, lock: FileIO, account: Account | None = None
) -> Iterator[int]:
    """Run a server inside the block and yield its port.

    Raises:
        EmbeddedError: it does not come up; the text quotes the telling line of its log.
    """
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        with log.open("ab") as output:
            offset = output.tell()
            options = child_options(lock, account)
            child = subprocess.Popen(
                program.command(port), stdout=output, stderr=output, **options
            )
        try:
            if _came_up(child, program, port):
                yield port
                return
        finally:
            stop(child, program.stop_signal)
        text = said(log, offset)
        # Between free_port and the server's own bind another process may take the port.
        if "already in use" not in text:
            break
    reason = f"{program.name} did not start ({last_line(text)})"
    raise EmbeddedError(f"{reason}: see {log}, or set {program.instead}.")


def child_options(lock: FileIO, account: Account | None) -> dict[str, Any]:
    """Return the arguments of subprocess that every child of ours gets."""
    return {
        "cwd": "/",
        "stdin": subprocess.DEVNULL,
        "start_new_session": True,  # Ctrl-C is for the parent, which then stops its children
        "pass_fds": [lock.fileno()],  # an orphan holds the lock, so it is never taken for dead
        "env": {**os.environ, "LC_ALL": "C"},
        **(account.options() if account else {}),
    }


def _came_up(child: subprocess.Popen[bytes], program: Program, port: int) -> bool:
    def settled() -> bool:
        return child.poll() is not None or program.ready(child.pid, port)

    return wait_until(settled, START_SECONDS) and child.poll() is None
