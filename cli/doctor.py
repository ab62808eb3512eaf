"""Find out why the service would not run well, and say what to do."""

import asyncio
from collections.abc import Awaitable, Callable

import click

from cli.ailments import Ailment, Blemish, Finding, Fleet
from cli.doctor_postgresql import check_postgresql
from cli.doctor_servers import check_kafka, check_redis, check_weather
from cli.doctor_settings import check_settings
from kit import log
from kit.reach import Unreachable, unreachable
from kit.settings import Settings

Check = Callable[[Settings, Fleet], Awaitable[Finding]]

CHECKS: dict[str, Check] = {
    "settings": check_settings,
    "postgresql": check_postgresql,
    "redis": check_redis,
    "kafka": check_kafka,
    "weather": check_weather,
}


@click.command(epilog="Example: WORKERS=4 shop-api doctor --web 3 --workers 2")
@click.option(
    "--web", type=click.IntRange(1, 1000), default=1, show_default=True, help="Web containers."
)
@click.option(
    "--workers", type=click.IntRange(0, 1000), default=1, show_default=True, help="Workers."
)
def doctor(web: int, workers: int) -> None:
    """Check settings, PostgreSQL, its revision and connections, Redis, Kafka, and the weather.

    The connections of all web containers, of WORKERS processes each, and of all workers must fit.
    """
    settings = Settings.from_environment()
    log.configure("ERROR", settings.log_format)  # libraries complain of what is told below
    fleet = Fleet(web, workers, web * settings.workers)
    results = [
        asyncio.run(_examine(name, check, settings, fleet)) for name, check in CHECKS.items()
    ]
    if not all(results):
        raise click.exceptions.Exit(1)


async def _examine(name: str, check: Check, settings: Settings, fleet: Fleet) -> bool:
    try:
        with unreachable():
            finding = await check(settings, fleet)
    except Blemish as blemish:
        click.echo(f"warn  {name:<11} {blemish}")
        return True
    except (Ailment, Unreachable) as error:
        click.echo(f"FAIL  {name:<11} {error}")
        return False
    click.echo(f"ok    {name:<11} {finding.found}")
    for warning in finding.warnings:
        click.echo(f"warn  {name:<11} {warning}")
    return True
