"""Connections to PostgreSQL: where it is, how many there are, and how long anything may take."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from kit import pools
from kit.db import DATABASE, database
from kit.log import logger
from kit.settings import SERVICE, Settings, SettingsError

POOL_SIZE = 10
POOL_WAIT = 1.5  # seconds
ANSWER_LIMIT = 2.5  # seconds; closing a connection to a frozen server costs two more
CONNECT_LIMIT = 2.0  # seconds
CLOSE_LIMIT = 2.0  # seconds for all connections together
RESTED = 1.0  # seconds after which a connection is asked whether it still lives

FORM = "use postgresql://user:password@host:port/name."
PARAMETERS = {"ssl", "host", "port"}


def driver_url(settings: Settings) -> URL:
    """Return the database's address with the driver named.

    Raises:
        SettingsError: it is not the address of a PostgreSQL database.
    """
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        raise SettingsError(f"DATABASE_URL is not an address: {FORM}") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(f"DATABASE_URL must be a PostgreSQL address: {FORM}")
    if url.port is not None and not 0 < url.port < 65536:
        raise SettingsError("DATABASE_URL names a port that cannot be: use 1 to 65535.")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")  # libpq's name for it
    if foreign := sorted(query.keys() - PARAMETERS):
        raise SettingsError(f"DATABASE_URL has a parameter that is not known here: {foreign[0]}.")
    return url.set(drivername="postgresql+asyncpg", query=query)


def lone_engine(settings: Settings, **options: Any) -> AsyncEngine:
    """Make an engine without a pool and without limits, for work that is done once."""
    limits = {"timeout": CONNECT_LIMIT}
    return create_async_engine(
        driver_url(settings), poolclass=NullPool, connect_args=limits, **options
    )


def create_engine(settings: Settings, connections: int | None = None) -> AsyncEngine:
    """Make the engine; every connection carries its own limits."""
    engine = sqlalchemy_asyncio.create_async_engine(  # by its long name, for OpenTelemetry
        driver_url(settings),
        pool_size=connections or POOL_SIZE,
        max_overflow=0,
        hide_parameters=True,  # they hold e-mail addresses and hashes; errors are logged
        pool_timeout=POOL_WAIT,
        connect_args={
            "timeout": CONNECT_LIMIT,
            "command_timeout": ANSWER_LIMIT,
            "server_settings": {
                "application_name": SERVICE,
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": "5s",
                "lock_timeout": "2s",
                "idle_in_transaction_session_timeout": "10s",
            },
        },
    )
    event.listen(engine.sync_engine.pool, "checkin", _rest)
    event.listen(engine.sync_engine.pool, "checkout", _wake)
    pools.watch(engine, connections or POOL_SIZE)
    return engine


def _rest(_: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _wake(connection: Any, record: Any, _: Any) -> None:
    """Let the pool replace a connection that died at rest; a busy one costs no round trip."""
    if time.monotonic() - record.info.get("rests_since", time.monotonic()) < RESTED:
        return
    try:
        connection.ping()
    except TimeoutError:  # frozen, so a new connection would hang as well
        raise
    except Exception as error:
        raise DisconnectionError from error


async def engine_context(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Keep the engine while the application runs."""
    engine = create_engine(settings)
    app[DATABASE] = database(engine)
    yield
    await close(engine)


async def close(engine: AsyncEngine) -> None:
    """Close the connections; those to a frozen server are left as they are."""
    try:
        async with asyncio.timeout(CLOSE_LIMIT):
            await engine.dispose()
    except TimeoutError:
        logger.warning("connections to PostgreSQL not closed")
