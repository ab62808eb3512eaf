"""Databases for tests: cloned from a migrated template, and transactions that leave no trace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)

from kit.db import SESSION_OPTIONS, Database
from kit.engine import lone_engine
from kit.settings import Settings
from migrations.run import migrate

TEMPLATE = "template_of_tests"


def at(settings: Settings, name: str) -> Settings:
    """Return the settings with another database on the same server."""
    url = make_url(settings.database_url).set(database=name)
    return replace(settings, database_url=url.render_as_string(hide_password=False))


async def _command(settings: Settings, statement: str) -> None:
    engine = lone_engine(settings, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def make_template(settings: Settings) -> None:
    """Build the template by its migrations."""
    await _command(settings, f"CREATE DATABASE {TEMPLATE}")
    await migrate(at(settings, TEMPLATE))


@asynccontextmanager
async def cloned(
    settings: Settings, name: str, template: str = TEMPLATE
) -> AsyncIterator[Settings]:
    """Keep a copy of the template while the block lasts."""
    await _command(settings, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield at(settings, name)
    await _command(settings, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def undone(engine: AsyncEngine) -> AsyncIterator[tuple[Database, AsyncConnection]]:
    """Give a database on one connection whose transaction is rolled back at the end."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        sessions = async_sessionmaker[AsyncSession](
            connection, join_transaction_mode="create_savepoint", **SESSION_OPTIONS
        )
        yield Database(reads=sessions, writes=sessions), connection
        await outer.rollback()
