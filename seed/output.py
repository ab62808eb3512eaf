"""How a seeding shows itself: bars on a terminal, lines elsewhere, or one JSON object."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import click

from seed.plan import PASSWORD, Report, Step, Summary


@contextmanager
def bars() -> Iterator[Report]:
    """Show a bar per table for as long as the block lasts."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, Any] = {}
    with Progress(*columns, TimeElapsedColumn()) as progress:

        def show(step: Step) -> None:
            if step.table not in tasks:
                tasks[step.table] = progress.add_task(step.table, total=step.total)
            progress.update(tasks[step.table], completed=step.done, total=step.total)

        yield show


def line(step: Step) -> None:
    """Print a table that is done."""
    if step.seconds is not None:
        with suppress(BrokenPipeError):  # nobody reads on, which is no reason to store nothing
            click.echo(f"{step.table:<12} {step.done:>9,} rows {step.seconds:>7.2f} s")


def print_summary(summary: Summary, seconds: float) -> None:
    """Print who can sign in, and the totals."""
    if not summary.changed:
        click.echo("Nothing to do: there are rows already; --reset would delete them.")
    # Of people who were here before, nobody knows whether they still have the password.
    sure = summary.counts["users"] >= len(summary.logins)
    doubt = "" if sure else " unless it was changed"
    click.echo(f"Logins, all with the password {PASSWORD}{doubt}:")
    width = max((len(login.username) for login in summary.logins), default=0)
    for login in summary.logins:
        staff = "  staff" if login.is_staff else ""
        click.echo(f"  {login.username:<{width}}  {login.email}{staff}")
    if summary.more_logins:
        click.echo(f"  ... and {summary.more_logins:,} more, user names in table users")
    if summary.changed:
        click.echo(f"{sum(summary.counts.values()):,} rows in {seconds:.1f} s.")


def print_json(summary: Summary, seconds: float) -> None:
    """Print one JSON object."""
    document = {**asdict(summary), "password": PASSWORD}
    document["seconds"] = {**summary.seconds, "total": seconds}
    click.echo(json.dumps(document))
