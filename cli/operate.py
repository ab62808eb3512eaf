"""Serve, migrate, and list what is served."""

import asyncio
from dataclasses import replace
from typing import Any

import click

import migrations.run
import monolith
from kit import log, server
from kit.settings import Settings
from kit.web import operations


@click.command(epilog="Example: shop-api serve --workers 4")
@click.option("--workers", type=click.IntRange(1, 64), help="How many processes; else WORKERS.")
@click.option("--host", help="The address to listen on; else APP_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port; else APP_PORT.")
def serve(workers: int | None, host: str | None, port: int | None) -> None:
    """Serve with the PostgreSQL and Redis that the environment names."""
    settings = Settings.from_environment()
    settings = replace(
        settings,
        workers=workers or settings.workers,
        host=host or settings.host,
        port=port or settings.port,
    )
    log.configure(settings.log_level, settings.log_format)
    if settings.workers > 1:
        server.listen(settings.host, settings.port).close()  # say at once that it is taken
        server.Gunicorn(settings, monolith.create_app).run()
        return
    listening = server.listen(settings.host, settings.port)
    runner = server.Runner(monolith.create_app(settings), drain=server.DRAIN)
    server.run(runner, listening, lambda: _ready(settings))


def _ready(settings: Settings) -> None:
    log.logger.info("serving", url=f"http://{settings.host}:{settings.port}")


@click.command(epilog="Example: DATABASE_URL=postgresql://me:secret@db/shop shop-api migrate")
def migrate() -> None:
    """Bring the database to the newest revision; several at once wait for each other."""
    click.echo(asyncio.run(migrations.run.migrate(Settings.from_environment())))


@click.command(epilog="Example: shop-api routes | grep orders")
def routes() -> None:
    """List every address with its method, who may call it, and what it does."""
    app = monolith.create_app(Settings.from_environment())
    rows = sorted(
        ((path, method, handler) for method, path, handler in operations(app)),
        key=lambda row: row[:2],
    )
    width = max(len(path) for path, *_ in rows)
    for path, method, handler in rows:
        what = (handler.__doc__ or "").partition("\n")[0]
        click.echo(f"{method:<7}{path:<{width}}  {_who_may(handler):<7}{what}")


def _who_may(handler: Any) -> str:
    declared = getattr(handler, "endpoint", None)
    if declared is None or declared.guest:
        return "guest"
    return "staff" if declared.staff else "closed"
