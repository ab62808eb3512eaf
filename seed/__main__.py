"""The command line of the seed: `python -m seed`, also known as `shop-api seed`."""

import asyncio
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from kit.engine import driver_url
from kit.reach import Unreachable, unreachable
from kit.settings import Settings, SettingsError, load_dotenv_file
from seed import output
from seed.load import refuse_in_production, seed
from seed.plan import Plan, PlanError, Report, SeedError, Summary, silent

COUNT = click.IntRange(0, 10_000_000)
EXAMPLE = """\b
Examples:
  python -m seed
  python -m seed --users 10000 --shops 20 --books 50000 --offers 100000 --orders 100000
  python -m seed --reset --yes --locale ru_RU --random-seed 7
"""


class Misused(click.ClickException):
    """End with one sentence: the arguments do not fit."""

    exit_code = 2


@click.command("seed", epilog=EXAMPLE, context_settings={"show_default": True})
@click.option("--users", type=COUNT, default=50, help="Users; demo and admin are the first two.")
@click.option("--shops", type=COUNT, default=5, help="Shops.")
@click.option("--books", type=COUNT, default=200, help="Books.")
@click.option("--offers", type=COUNT, default=600, help="Offers: a book in a shop, each once.")
@click.option("--orders", type=COUNT, default=100, help="Orders of 1 to 4 lines; some are demo's.")
@click.option("--applications", type=COUNT, default=100, help="Applications.")
@click.option("--cities", type=COUNT, default=100, help="Cities; the first are real ones.")
@click.option("--picnics", type=COUNT, default=100, help="Picnics, past ones and some to come.")
@click.option("--friendships", type=COUNT, help="Friendships; else 100, or all pairs.")
@click.option("--random-seed", type=int, default=1, help="The same number gives the same data.")
@click.option("--locale", default="en_US", help="Language of names, words and places (Faker's).")
@click.option("--reset", is_flag=True, help="Delete all data first; refused in production.")
@click.option("--yes", is_flag=True, help="Do not ask before --reset.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def main(yes: bool, as_json: bool, **choices: Any) -> None:
    """Fill the empty tables with made-up data; what has rows is left alone.

    Every password is skytrack. demo and admin (staff) always exist afterwards. All is done in one
    transaction, so an interrupted run leaves nothing; several at once wait for each other.
    """
    started = time.perf_counter()
    try:
        load_dotenv_file()
        plan = Plan(**choices)
        settings = Settings.from_environment()
        if plan.reset:
            _confirm_reset(settings, yes)
        summary = _run(settings, plan, as_json)
    except PlanError as error:
        raise Misused(str(error)) from None
    except (SeedError, SettingsError, Unreachable) as error:
        raise click.ClickException(str(error)) from None
    show = output.print_json if as_json else output.print_summary
    show(summary, time.perf_counter() - started)


def _confirm_reset(settings: Settings, yes: bool) -> None:
    refuse_in_production(settings)
    if yes:
        return
    if not sys.stdin.isatty():
        raise PlanError("--reset deletes all data: add --yes to confirm it.")
    place = driver_url(settings)
    question = f"Delete all data in database {place.database} at {place.host}?"
    click.confirm(question, abort=True, err=True)


def _run(settings: Settings, plan: Plan, as_json: bool) -> Summary:
    showing: AbstractContextManager[Report] = nullcontext(silent if as_json else output.line)
    if sys.stdout.isatty() and not as_json:
        showing = output.bars()
    with unreachable(), showing as report:
        return asyncio.run(seed(settings, plan, report))


if __name__ == "__main__":
    main(prog_name="python -m seed")
