"""Run users and friends as two services, the way they would live apart."""

import asyncio
import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy import make_url, text

from cli.dev import addresses, folder_option, prepare, servers
from cli.split_check import SplitFailed, befriend
from embedded import instance
from embedded.process import stop
from kit import log, server
from kit.addresses import API
from kit.engine import lone_engine
from kit.settings import Settings
from migrations.run import migrate
from seed.plan import PASSWORD

NAMES = ("users", "friends", "worker")
HOST = "127.0.0.1"
USERS_PORT, FRIENDS_PORT = 8001, 8002
FRIENDS_DATABASE = "friends"
STOP_SECONDS = 15.0
PLAIN = {"APP_HOST": HOST, "COOKIE_SECURE": "false"}  # no TLS lies between us and ourselves
PR_SET_PDEATHSIG = 1  # prctl(2)

Child = subprocess.Popen[bytes]


@click.command(epilog="Example: shop-api split")
@folder_option
def split(folder: Path) -> None:
    """Start the users and the friends service, each alone, and a worker; befriend two people.

    Servers are those of `shop-api dev`; friends get a database of their own. The ports are 8001
    and 8002, or free ones where these are taken. Ctrl-C stops all.
    """
    click.echo("Starting ...")
    for number in server.STOPPING:
        signal.signal(number, lambda *_: sys.exit(0))
    with instance.single(folder), servers(folder):
        settings = Settings.from_environment()
        log.start(settings)
        asyncio.run(prepare(settings))
        friends_url = asyncio.run(_own_database(settings))
        users, friends = _address(USERS_PORT), _address(FRIENDS_PORT)
        with _running(_commands(settings, users, friends, friends_url)) as children:
            asyncio.run(befriend(users, friends, children))
            instance.record(folder, users)
            instance.lend(folder, addresses(settings))
            click.echo(_banner(users, friends))
            _wait(children)


def _commands(
    settings: Settings, users: str, friends: str, friends_url: str
) -> list[tuple[list[str], dict[str, str]]]:
    """Return what to run: arguments of Python, and what the environment says besides."""
    token = {"SERVICE_TOKEN": settings.service_token or secrets.token_urlsafe(32), **PLAIN}
    asking = {"USERS_SERVICE_URL": users, "DATABASE_URL": friends_url}
    return [
        (["-m", "users"], {**token, "APP_PORT": _port(users)}),
        (["-m", "friends"], {**token, **asking, "APP_PORT": _port(friends)}),
        (["-c", "import cli; cli.main()", "worker"], {}),
    ]


def _wait(children: list[Child]) -> None:
    """Wait for Ctrl-C, and for a child that ends without being asked."""
    while all(child.poll() is None for child in children):
        time.sleep(0.2)
    ends = [(name, child.poll()) for name, child in zip(NAMES, children, strict=True)]
    told = ", ".join(f"{name} with code {code}" for name, code in ends if code is not None)
    raise SplitFailed(f"One of the services has ended: {told}.")


async def _own_database(settings: Settings) -> str:
    """Return the address of the friends' own database, made and migrated."""
    engine = lone_engine(settings, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            wanted = text("SELECT 1 FROM pg_database WHERE datname = :name")
            known = await connection.execute(wanted, {"name": FRIENDS_DATABASE})
            if known.scalar_one_or_none() is None:
                await connection.execute(text(f"CREATE DATABASE {FRIENDS_DATABASE}"))
    finally:
        await engine.dispose()
    url = make_url(settings.database_url).set(database=FRIENDS_DATABASE)
    own = url.render_as_string(hide_password=False)
    click.echo(f"friends: {await migrate(replace(settings, database_url=own))}")
    return own


@contextmanager
def _running(commands: list[tuple[list[str], dict[str, str]]]) -> Iterator[list[Child]]:
    """Run our own commands for as long as the block lasts."""
    children: list[Child] = []
    try:
        for command, environment in commands:
            child = subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent, which then stops them
                preexec_fn=_end_with_parent,
            )
            children.append(child)
        yield children
    finally:
        for number in server.STOPPING:  # all ends in bounded time
            signal.signal(number, signal.SIG_IGN)
        for child in children:
            child.terminate()
        click.echo("Stopping ...")
        for child in children:
            stop(child, signal.SIGTERM, STOP_SECONDS)


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed; elsewhere it would be left."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _address(port: int) -> str:
    """Return an address on the wanted port, or on any free one."""
    try:
        listening = server.listen(HOST, port)
    except server.PortTaken:
        listening = server.listen(HOST, 0)
    with listening:
        return f"http://{HOST}:{listening.getsockname()[1]}"


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _banner(users: str, friends: str) -> str:
    rows = [
        "",
        f"  users       {users}{API}/users",
        f"  friends     {friends}{API}/friends   (database of its own: {FRIENDS_DATABASE})",
        f"  sign in as  demo / {PASSWORD} at {users}{API}/auth/login; the cookie is good at both",
        "  stop        Ctrl-C here, or `make down` elsewhere",
        "",
    ]
    return "\n".join(rows)
