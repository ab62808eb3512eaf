"""Serve, migrate, and list what is served."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace

import click
from aiohttp import hdrs, web

import migrations.run
import monolith
from kit import log, server
from kit.settings import Settings


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
    server.run(monolith.create_app(settings), listening, lambda: _ready(settings))


def _ready(settings: Settings) -> None:
    log.log.info("serving", url=f"http://{settings.host}:{settings.port}")


@click.command(epilog="Example: DATABASE_URL=postgresql://me:secret@db/shop shop-api migrate")
def migrate() -> None:
    """Bring the database to the newest revision; several at once wait for each other."""
    before, after = asyncio.run(migrations.run.migrate(Settings.from_environment()))
    if before == after:
        click.echo(f"Nothing to do: the database is at revision {after}.")
    else:
        click.echo(f"The database went from revision {before or 'nothing'} to {after}.")


@click.command(epilog="Example: shop-api routes | grep orders")
def routes() -> None:
    """List every address with its method, who may call it, and what it does."""
    app = monolith.create_app(Settings.from_environment())
    rows = sorted(_rows(app))
    width = max(len(path) for path, *_ in rows)
    for path, method, who, what in rows:
        click.echo(f"{method:<7}{path:<{width}}  {who:<7}{what}", file=sys.stdout)


def _rows(app: web.Application) -> Iterator[tuple[str, str, str, str]]:
    for route in app.router.routes():
        resource = route.resource
        if resource is None or route.method == hdrs.METH_HEAD:
            continue
        for method in sorted(hdrs.METH_ALL - {hdrs.METH_HEAD}):
            handler = getattr(route.handler, method.lower(), None)
            if route.method == method:
                handler = route.handler
            if handler is None:
                continue
            declared = getattr(handler, "endpoint", None)
            who = "guest" if declared is None or declared.guest else "closed"
            if declared is not None and declared.staff:
                who = "staff"
            yield resource.canonical, method, who, (handler.__doc__ or "").partition("\n")[0]
