"""Look after the events that could not be sent or handled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import click
import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from kit import mails, outbox
from kit.db import LARGEST_ID, database
from kit.engine import create_engine
from kit.inbox import InboxRow
from kit.mails import MailRow
from kit.outbox import OutboxRow
from kit.settings import Settings

FATE = ("attempts", "dead_at", "last_error")
EVENT = ("topic", "key", "event_type", "event_id")

Row = type[InboxRow] | type[MailRow] | type[OutboxRow]


def group(name: str, table: Row, named: tuple[str, ...], what: str) -> click.Group:
    """Build the commands that list and retry the parked rows of a table.

    named: the columns by which a person knows a row.
    """

    @click.group(name, help=f"Look after {what}.", epilog=f"Example: shop-api {name} list")
    def parked() -> None: ...

    @parked.command("list", epilog=f"Example: shop-api {name} list --json")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object per row.")
    def show(*, as_json: bool) -> None:
        """List what is parked after ten failed tries, the oldest first."""
        columns = [getattr(table, column) for column in ("id", *named, *FATE)]
        rows = _run(lambda session: table.parked(session, columns))
        for row in rows:
            click.echo(
                orjson.dumps(dict(row), default=str).decode() if as_json else _line(row, named)
            )
        if not as_json:
            click.echo(f"{len(rows)} parked{_waiting(table)}.")

    @parked.command("retry", epilog=f"Examples: shop-api {name} retry 17 18; {name} retry --all")
    @click.argument("ids", nargs=-1, type=click.IntRange(1, LARGEST_ID))
    @click.option("--all", "every", is_flag=True, help="Retry all that are parked.")
    def retry(ids: tuple[int, ...], *, every: bool) -> None:
        """Give parked rows their tries again; younger ones of their key have gone before."""
        if bool(ids) == every:
            raise click.UsageError("Name the ids that `list` shows, or say --all.")
        _tell(ids, _run(lambda session: table.retry(session, None if every else ids)))

    return parked


def _tell(ids: Sequence[int], found: Sequence[int]) -> None:
    """Say what will be tried again, and what was not parked."""
    missing = sorted(set(ids) - set(found))
    if found or not missing:
        click.echo(f"{len(found)} will be tried again.")
    if missing:
        raise click.ClickException(f"Not parked: {', '.join(map(str, missing))}.")


def _line(row: Any, named: tuple[str, ...]) -> str:
    place = " ".join(str(row[column]) for column in named)
    line = f"{row['id']:>8}  {place}  {row['attempts']} tries  {row['last_error']}"
    return "".join(c if c.isprintable() else "\ufffd" for c in line)  # some of it was heard


def _waiting(table: Row) -> str:
    if table is MailRow:
        return f", {_run(mails.waiting)} waiting"
    if table is not OutboxRow:
        return ""
    number, age = _run(outbox.waiting)
    return f", {number} waiting{f', the oldest for {age.total_seconds():.0f} s' if age else ''}"


def _run(act: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    return asyncio.run(with_database(Settings.from_environment(), act))


async def with_database(settings: Settings, act: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    """Do something in one transaction on a connection of its own."""
    engine = create_engine(settings, connections=1)
    try:
        async with database(engine).writing() as session:
            return await act(session)
    finally:
        await engine.dispose()


outbox_group = group("outbox", OutboxRow, EVENT, "events that could not be sent to Kafka")
inbox_group = group("inbox", InboxRow, EVENT, "events that were heard but could not be handled")
mails_group = group("mails", MailRow, ("name",), "mails that could not be sent")
