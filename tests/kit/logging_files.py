"""Processes that log into a file, and what may befall that."""

import fcntl
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import PROJECT, QUICK

BEGIN = "from kit import log, log_file; from kit.settings import Settings\n"


def begin(
    folder: Path, script: str, *, errors: int | None = None, **environment: str
) -> subprocess.Popen[bytes]:
    """Start a process that logs; what it says goes to the file `said`, or to `errors`."""
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-c", f"{BEGIN}log.start(Settings.from_environment())\n{script}"],
            cwd=folder,
            env=os.environ
            | QUICK
            | {"PYTHONPATH": str(PROJECT), "LOG_FILE": str(folder / "log" / "x.log")}
            | environment,
            stderr=said if errors is None else errors,
        )


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Let a process live no longer than the block."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def limit(process: subprocess.Popen[bytes], size: int) -> None:
    """Let no file of a process grow beyond a size, as on a disk that is full."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def written(folder: Path) -> str:
    """Return all generations of the log."""
    return "".join(path.read_text() for path in (folder / "log").glob("x.log*"))


@contextmanager
def frozen(lock: Path) -> Iterator[None]:
    """Let nobody write into a log, as a disk does that hangs."""
    with lock.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with one for logs in it."""
    (tmp_path / "log").mkdir()
    return tmp_path
