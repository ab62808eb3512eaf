"""Keep `shop-api dev` single in a folder, and let another process find and stop it."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from embedded.errors import EmbeddedError
from embedded.locks import hold, open_folder
from embedded.process import wait_until

PID = "pid"  # the first line is the pid, the second one the URL once it is known
SERVERS = "servers.json"  # variable -> address
STOP_SECONDS = 20.0


@contextmanager
def single(folder: Path) -> Iterator[None]:
    """Be the only one in a folder for as long as the block lasts.

    Raises:
        EmbeddedError: another process is.
    """
    folder = open_folder(folder)
    handle = hold(folder / "lock")
    if handle is None:
        pid, url = _read(folder)
        where = f" at {url}" if url else ""
        raise EmbeddedError(f"already running (pid {pid}){where}; `make down` stops it.")
    with handle:
        _write(folder, f"{os.getpid()}\n")
        try:
            yield
        finally:
            (folder / PID).unlink(missing_ok=True)
            (folder / SERVERS).unlink(missing_ok=True)


def record(folder: Path, url: str) -> None:
    """Leave the URL of this process for those who find the folder taken."""
    _write(folder, f"{os.getpid()}\n{url}\n")


def lend(folder: Path, addresses: Mapping[str, str]) -> None:
    """Leave the addresses of the servers in use for other commands of the same account."""
    path = folder / SERVERS
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(addresses))


def lent(folder: Path) -> dict[str, str]:
    """Return the addresses that the process which holds a folder has left; {} when none does."""
    path = folder / SERVERS
    if not path.exists() or _is_free(folder):
        return {}
    addresses: dict[str, str] = json.loads(path.read_text())
    return addresses


def stop(folder: Path) -> bool:
    """Stop the process that holds a folder and wait for that; False when there was none.

    Raises:
        EmbeddedError: it does not leave.
    """
    if not folder.exists() or _is_free(folder):
        return False
    pid, _ = _read(folder)
    if pid is not None:
        _terminate(pid)
    if not wait_until(lambda: _is_free(folder), STOP_SECONDS):
        raise EmbeddedError(f"shop-api (pid {pid}) does not stop: kill -9 {pid}, then try again.")
    return True


def _is_free(folder: Path) -> bool:
    handle = hold(open_folder(folder) / "lock")
    if handle is None:
        return False
    handle.close()
    return True


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return  # it left between the two looks
    except PermissionError as error:
        raise EmbeddedError(
            f"shop-api (pid {pid}) is another account's: stop it from there."
        ) from error


def _read(folder: Path) -> tuple[int | None, str | None]:
    path = folder / PID
    lines = path.read_text().splitlines() if path.exists() else []
    pid = int(lines[0]) if lines and lines[0].isdigit() else None
    return pid, lines[1] if len(lines) > 1 else None


def _write(folder: Path, text: str) -> None:
    fresh = folder / f"{PID}.new"
    fresh.write_text(text)
    fresh.replace(folder / PID)
