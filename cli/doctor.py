"""Find out why the service would not run well, and say what to do."""

import asyncio
from collections.abc import Awaitable, Callable

import click
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import migrations.run
from kit import log
from kit.client import create_client
from kit.engine import POOL_SIZE, create_engine
from kit.kafka import KafkaAway, ping
from kit.reach import Unreachable, unreachable
from kit.redis import create_redis
from kit.settings import Settings
from kit.worker import CONNECTIONS
from picnic.weather.choose import create_weather
from picnic.weather.http import CONNECT_LIMIT, LIMIT
from picnic.weather.protocol import Unavailable

OLDEST_POSTGRESQL = 14
KNOWN = "London"  # to every weather service
Check = Callable[[Settings], Awaitable[str]]


class Ailment(Exception):
    """Something is wrong; the text says what to do."""


class Blemish(Ailment):
    """Something is missing that the service can do without."""


@click.command(epilog="Example: DATABASE_URL=postgresql://me:secret@db/shop shop-api doctor")
def doctor() -> None:
    """Check settings, PostgreSQL, its revision and connections, Redis, Kafka, and the weather."""
    settings = Settings.from_environment()
    log.configure("ERROR", settings.log_format)  # libraries complain of what is told below
    click.echo(f"ok    settings    {settings.app_env}, bcrypt {settings.bcrypt_rounds} rounds")
    checks: dict[str, Check] = {
        "postgresql": _postgresql,
        "redis": _redis,
        "kafka": _kafka,
        "weather": _weather,
    }
    results = [asyncio.run(_examine(name, check, settings)) for name, check in checks.items()]
    if not all(results):
        raise click.exceptions.Exit(1)


async def _examine(name: str, check: Check, settings: Settings) -> bool:
    try:
        with unreachable():
            found = await check(settings)
    except Blemish as blemish:
        click.echo(f"warn  {name:<11} {blemish}")
        return True
    except (Ailment, Unreachable) as error:
        click.echo(f"FAIL  {name:<11} {error}")
        return False
    click.echo(f"ok    {name:<11} {found}")
    return True


async def _postgresql(settings: Settings) -> str:
    engine = create_engine(settings)
    try:
        async with engine.connect() as connection:
            version = int(await _show(connection, "server_version_num")) // 10_000
            most = int(await _show(connection, "max_connections"))
            present = await connection.run_sync(migrations.run.present_revision)
    finally:
        await engine.dispose()
    newest = migrations.run.newest_revision()
    wanted = POOL_SIZE * settings.workers + CONNECTIONS
    if version < OLDEST_POSTGRESQL:
        raise Ailment(f"version {version} is too old: use {OLDEST_POSTGRESQL} or newer.")
    if present != newest:
        raise Ailment(f"at revision {present or 'nothing'}, not {newest}: run `shop-api migrate`.")
    if wanted > most - 10:
        raise Ailment(f"{wanted} connections wanted of {most}: lower WORKERS, or raise it there.")
    return f"version {version}, revision {present}, {wanted} of {most} connections wanted"


async def _show(connection: AsyncConnection, setting: str) -> str:
    shown: str = (await connection.execute(text(f"SHOW {setting}"))).scalar_one()
    return shown


async def _redis(settings: Settings) -> str:
    redis = create_redis(settings)
    try:
        facts = await redis.info("server")
    finally:
        await redis.aclose()
    return f"version {facts.get('valkey_version') or facts['redis_version']}"


async def _kafka(settings: Settings) -> str:
    try:
        await ping(settings)
    except KafkaAway as error:
        raise Ailment(
            f"no answer ({error}): events wait until it answers; "
            "start it, or correct KAFKA_BOOTSTRAP_SERVERS."
        ) from error
    return settings.kafka_servers


async def _weather(settings: Settings) -> str:
    client = create_client(limit=LIMIT, connect_limit=CONNECT_LIMIT, at_once=1)
    async with client:
        answer = await create_weather(settings, client).find(KNOWN)
    if isinstance(answer, Unavailable):
        raise Blemish(
            f"{settings.weather_provider} gives no answer ({answer.cause}): cities lack weather,"
            " and none can be added; look at WEATHER_URL, WEATHER_API_KEY and the network, or set "
            "WEATHER_PROVIDER=fake."
        )
    return settings.weather_provider
