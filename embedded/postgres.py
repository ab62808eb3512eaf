"""Run PostgreSQL 18 in a folder for as long as a block lasts."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import asyncpg

from embedded import account, binaries
from embedded.account import Account
from embedded.errors import EmbeddedError
from embedded.locks import closed, hold, open_folder
from embedded.process import (
    STOP_SECONDS,
    Program,
    child_options,
    last_line,
    running,
    said,
    wait_until,
)

USER = "postgres"
PASSWORD = "skytrack"  # noqa: S105 - the server listens on loopback only
INITDB = [
    # The builtin provider folds every alphabet in ILIKE and lower(), whatever the machine has.
    *["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
    *["--auth=scram-sha-256", "--no-instructions"],
]
SETTINGS = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",  # the path of a socket may have 107 bytes, a checkout's more
    "max_connections=100",
    "shared_buffers=64MB",
    "timezone=UTC",
    "log_timezone=UTC",
]
CARELESS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


@contextmanager
def server(folder: Path, *, durable: bool = True) -> Iterator[str]:
    """Run the server whose data belongs to a folder and yield its URL.

    Without `durable` it is quick, may lose data when the machine dies, and removes a home outside
    the folder that it had to make.

    Raises:
        EmbeddedError: it does not start.
    """
    folder = open_folder(folder)
    known = account.home(folder)
    servant = account.unprivileged(known / "data")
    place = account.settle(folder, servant)
    data, log = place / "data", folder / "postgres.log"
    try:
        tools = binaries.postgres(place, servant)
        program = _program(data, tools, durable)
        with _take_over(folder, data, tools, servant) as lock:
            _initialise(place, tools, servant, log, lock)
            with running(program, log, lock, servant) as port:
                yield _url(port)
    finally:
        if not durable and place != known:
            shutil.rmtree(place)


def stop_orphan(folder: Path) -> None:
    """Stop the server that a killed parent left behind, if there is one.

    Raises:
        EmbeddedError: it does not stop.
    """
    place = home(folder)
    data = place / "data"
    if data.exists():
        servant = account.unprivileged(data)
        tools = binaries.postgres(place, servant)
        _take_over(folder.resolve(), data, tools, servant).close()


def home(folder: Path) -> Path:
    """Tell where the data of a folder really lies; as root that may be under /var/tmp."""
    return account.home(folder.resolve())


def _url(port: int) -> str:
    return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"


def _program(data: Path, tools: Path, durable: bool) -> Program:
    settings = SETTINGS if durable else SETTINGS + CARELESS
    options = [word for setting in settings for word in ("-c", setting)]

    def command(port: int) -> list[str]:
        return [str(tools / "postgres"), "-D", str(data), "-p", str(port), *options]

    def ready(pid: int, _port: int) -> bool:
        status = _postmaster(data)
        return len(status) > 7 and status[0] == str(pid) and status[7] == "ready"

    # SIGINT is the fast shutdown: it does not wait for clients, but it is an orderly one.
    return Program("PostgreSQL", command, ready, signal.SIGINT, "DATABASE_URL")


def _postmaster(data: Path) -> list[str]:
    """Read a postmaster's pid, data, start, port, socket, address, memory and status."""
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []
    except PermissionError as error:
        raise closed(data, error) from error


def _take_over(folder: Path, data: Path, tools: Path, servant: Account | None) -> FileIO:
    """Lock the data, first stopping the orphan that a killed parent left behind."""
    taken: list[FileIO] = []

    def free() -> bool:
        status = _postmaster(data)
        port = int(status[3]) if len(status) > 3 and status[3].isdigit() else None
        if port and asyncio.run(_data_directory(port)) == str(data):
            _stop_orphan(data, tools, servant)
        lock = hold(folder / "postgres.lock")
        taken.extend([lock] if lock else [])
        return lock is not None

    if not wait_until(free, STOP_SECONDS, pause=0.1):
        pid = (_postmaster(data) or ["unknown"])[0]
        raise EmbeddedError(f"Another PostgreSQL (pid {pid}) uses {folder}: stop it, try again.")
    # Nobody holds the lock: the file is stale even if its pid is now some innocent process's.
    (data / "postmaster.pid").unlink(missing_ok=True)
    return taken[0]


async def _data_directory(port: int) -> str | None:
    """Ask whoever listens on a port for its data directory; None when it is not our kind."""
    try:
        connection = await asyncpg.connect(_url(port), ssl=False, timeout=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return None
    try:
        return str(await connection.fetchval("SHOW data_directory", timeout=2))
    finally:
        await connection.close(timeout=2)


def _stop_orphan(data: Path, tools: Path, servant: Account | None) -> None:
    # As the servant, so that no pid written by him makes root signal a stranger.
    command = [str(tools / "pg_ctl"), "stop", "-D", str(data), "-m", "fast"]
    account.succeeds(command, servant)


def _initialise(
    place: Path, tools: Path, servant: Account | None, log: Path, lock: FileIO
) -> None:
    """Make the data when there is none; aside, so that a killed initdb leaves nothing whole."""
    if (place / "data").exists():
        return
    half, password = place / "data.half", place / "password"
    if half.exists():
        shutil.rmtree(half)
    half.mkdir(mode=0o700)
    password.write_text(PASSWORD)
    if servant is not None:
        os.chown(half, servant.uid, servant.gid)
        os.chown(password, servant.uid, servant.gid)
    command = [str(tools / "initdb"), "-D", str(half), "-U", USER, f"--pwfile={password}", *INITDB]
    with log.open("ab") as output:
        offset = output.tell()
        options = child_options(lock, servant)
        code = subprocess.call(command, stdout=output, stderr=output, **options)
    password.unlink()
    if code:
        reason = f"initdb failed ({last_line(said(log, offset))})"
        raise EmbeddedError(f"PostgreSQL's {reason}: see {log}, or set DATABASE_URL.")
    half.rename(place / "data")
