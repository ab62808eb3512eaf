"""Run the whole house on a bare machine, with servers of its own."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket

import click
from aiohttp import web

import monolith
from embedded import instance, kafka, postgres, valkey
from kit import log, server, telling
from kit.redis import create_redis
from kit.settings import Settings
from kit.worker import working
from migrations.run import migrate
from seed import output
from seed.load import seed
from seed.plan import PASSWORD, Plan

FOLDER = Path(".data")
POSTGRES, VALKEY = "postgres", "valkey"
ADDRESSES = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")
DATABASE_VARIABLES = ("DATABASE_URL", "POSTGRES_HOST")

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where the embedded servers keep their data.",
)


@click.command(epilog="Example: APP_PORT=8080 shop-api dev")
@folder_option
def dev(folder: Path) -> None:
    """Start PostgreSQL, Valkey and a Kafka, migrate, seed when empty, serve and work until Ctrl-C.

    DATABASE_URL (or POSTGRES_HOST), REDIS_URL and KAFKA_BOOTSTRAP_SERVERS, when set, replace the
    embedded servers.
    """
    click.echo("Starting ...")
    for number in (signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
        signal.signal(number, lambda *_: sys.exit(0))
    with instance.single(folder), servers(folder) as embedded:
        settings = Settings.from_environment()
        log.start(settings)
        telling.check(settings)
        asyncio.run(prepare(settings))
        listening = _listen(settings)
        url = f"http://{settings.host}:{listening.getsockname()[1]}"

        def started() -> None:
            instance.record(folder, url)
            instance.lend(folder, addresses(settings))
            click.echo(_banner(url, embedded, folder))

        try:
            server.run(server.Runner(_with_worker(settings)), listening, started)
        finally:
            click.echo("Stopping ...")
            for number in server.STOPPING:  # the servers stop in bounded time
                signal.signal(number, signal.SIG_IGN)


@click.command(epilog="Example: shop-api down --reset")
@folder_option
@click.option("--reset", is_flag=True, help="Remove the data of the embedded servers, too.")
def down(folder: Path, *, reset: bool) -> None:
    """Stop what `shop-api dev` started from another terminal; harmless when nothing runs."""
    click.echo("Stopped." if instance.stop(folder) else "Nothing was running.")
    postgres.stop_orphan(folder / POSTGRES)  # a killed `dev` leaves its servers behind
    valkey.stop_orphan(folder / VALKEY)
    if reset:
        for place in (postgres.home(folder / POSTGRES), folder):  # the folder knows the home
            if place.exists():
                shutil.rmtree(place)
        click.echo("The data is gone.")


def addresses(settings: Settings) -> dict[str, str]:
    """Return where the servers are, as the environment says it."""
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_servers,
    }


async def prepare(settings: Settings) -> None:
    """Look whether Redis is there, then bring the database up to date and fill it."""
    redis = create_redis(settings)
    try:
        await redis.ping()
    finally:
        await redis.aclose()
    click.echo(await migrate(settings))
    await seed(settings, Plan(), output.line)


def _with_worker(settings: Settings) -> web.Application:
    """Build the application with what `shop-api worker` does beside it."""
    app = monolith.create_app(settings)

    async def context(_: web.Application) -> AsyncIterator[None]:
        async with working(settings, monolith.TOPICS, monolith.create_handlers):
            yield

    app.cleanup_ctx.append(context)
    return app


@contextmanager
def servers(folder: Path) -> Iterator[list[str]]:
    """Start the servers that the environment does not name; yield what was started."""
    started = []
    with ExitStack() as stack:
        if not any(os.environ.get(name) for name in DATABASE_VARIABLES):
            url = stack.enter_context(postgres.server(folder / POSTGRES))
            os.environ["DATABASE_URL"] = url
            started.append(f"PostgreSQL  {url}")
        if not os.environ.get("REDIS_URL"):
            url = stack.enter_context(valkey.server(folder / VALKEY))
            os.environ["REDIS_URL"] = url
            started.append(f"Valkey      {url}")
        if not os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
            broker = stack.enter_context(kafka.server())
            os.environ["KAFKA_BOOTSTRAP_SERVERS"] = broker.address
            started.append(
                f"Kafka       {broker.address}   (in memory: forgets all when it stops)"
            )
        yield started


def _listen(settings: Settings) -> socket:
    """Take the wanted port, or any free one when nobody asked for a certain one."""
    try:
        return server.listen(settings.host, settings.port)
    except server.PortTaken:
        if os.environ.get("APP_PORT"):
            raise
    click.echo(f"Port {settings.port} is taken; another one is used.")
    return server.listen(settings.host, 0)


def _banner(url: str, embedded: list[str], folder: Path) -> str:
    home = postgres.home(folder / POSTGRES)  # as root it may lie elsewhere
    places = [folder.resolve(), *([] if home.is_relative_to(folder.resolve()) else [home])]
    data = " and ".join(map(str, places)) if embedded else "in servers of your own"
    rows = [
        "",
        f"  shop-api    {url}",
        f"  try         {url}/docs",
        f"  health      {url}/readyz",
        f"  sign in as  demo / {PASSWORD}   (staff: admin / {PASSWORD})",
        *(f"  embedded    {row}" for row in embedded),
        f"  data        {data}",
        "  stop        Ctrl-C here, or `make down` elsewhere",
        "",
    ]
    return "\n".join(rows)
