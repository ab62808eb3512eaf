"""Run Valkey 9 in a folder for as long as a block lasts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded import binaries
from embedded.errors import EmbeddedError
from embedded.locks import hold, open_folder
from embedded.process import STOP_SECONDS, Program, running, wait_until

STATE = "valkey.port"


@contextmanager
def server(folder: Path, *, durable: bool = True) -> Iterator[str]:
    """Run the server whose data belongs to a folder and yield its URL.

    Without `durable` nothing is written to disk.

    Raises:
        EmbeddedError: it does not start.
    """
    folder = open_folder(folder)
    program = _program(binaries.valkey(), folder, durable)
    with _take_over(folder) as lock, running(program, folder / "valkey.log", lock) as port:
        yield f"redis://127.0.0.1:{port}/0"


def stop_orphan(folder: Path) -> None:
    """Stop the server that a killed parent left behind, if there is one.

    Raises:
        EmbeddedError: it does not stop.
    """
    if folder.exists():
        _take_over(folder.resolve()).close()


def _program(binary: Path, folder: Path, durable: bool) -> Program:
    # a session that has ended must not come back with an older copy of the data
    keep = ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--save", ""]

    def command(port: int) -> list[str]:
        (folder / STATE).write_text(f"{port}\n")  # before the start: an orphan can always be found
        where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        return [str(binary), *where, "--daemonize", "no", *keep]

    def ready(_pid: int, port: int) -> bool:
        return _serves(port, folder)

    return Program("Valkey", command, ready, signal.SIGTERM, "REDIS_URL")


def _take_over(folder: Path) -> FileIO:
    """Lock the data, first stopping the orphan that a killed parent left behind."""
    taken: list[FileIO] = []

    def free() -> bool:
        port = (folder / STATE).read_text().strip() if (folder / STATE).exists() else ""
        if port.isdigit() and _serves(int(port), folder):
            _shut_down(int(port), folder)
        lock = hold(folder / "valkey.lock")
        taken.extend([lock] if lock else [])
        return lock is not None

    if not wait_until(free, STOP_SECONDS, pause=0.1):
        raise EmbeddedError(f"Another Valkey uses {folder}: stop it and try again.")
    return taken[0]


def _shut_down(port: int, folder: Path) -> None:
    with _client(port) as client:
        try:
            client.shutdown()
        except redis.ResponseError as error:
            reason = f"An older Valkey on port {port} cannot save {folder} ({error})"
            raise EmbeddedError(f"{reason}: make room on the disk, or kill it.") from error


def _client(port: int) -> "redis.Redis":
    return redis.Redis(
        host="127.0.0.1",
        port=port,
        protocol=2,
        socket_connect_timeout=1,
        socket_timeout=2,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _serves(port: int, folder: Path) -> bool:
    """Tell whether the server on a port is the one that keeps this folder."""
    with _client(port) as client:
        try:
            answer = cast(dict[str, Any], client.config_get("dir"))
        except redis.RedisError:
            return False
    return answer.get("dir") == str(folder)
