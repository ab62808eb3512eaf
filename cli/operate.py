"""Serve, migrate, and list what is served."""

import asyncio
from typing import Any

import click

import migrations.run
import migrations.wait
import monolith
from kit.addresses import operations
from kit.serve import command
from kit.settings import Settings

serve = command(
    "serve",
    monolith.create_app,
    "Serve with the PostgreSQL and Redis that the environment names.",
    "shop-api serve --workers 4",
)


@click.command(epilog="Example: DATABASE_URL=postgresql://me:secret@db/shop shop-api migrate")
@click.option(
    "--wait",
    type=click.IntRange(1, 3600),
    metavar="SECONDS",
    help="Change nothing: return as soon as another run has done it.",
)
def migrate(wait: int | None) -> None:
    """Bring the database to the newest revision; several at once wait for each other."""
    settings = Settings.from_environment()
    if wait is None:
        click.echo(asyncio.run(migrations.run.migrate(settings)))
        return
    revision = asyncio.run(migrations.wait.wait(settings, wait))
    click.echo(f"The database is at revision {revision}.")


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
        click.echo(f"{method:<7}{path:<{width}}  {_who_may(handler):<15}{what}")


def _who_may(handler: Any) -> str:
    declared = getattr(handler, "endpoint", None)
    if declared is None or declared.guest:
        return "guest"
    if declared.service:
        return "closed/service"
    return "staff" if declared.staff else "closed"
