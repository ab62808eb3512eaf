"""Run alembic from code: inside a running event loop and on a connection of our own."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from kit.db import driver_url
from kit.settings import Settings

ADVISORY_LOCK = 7_300_001  # whoever migrates holds it; the others wait their turn

Command = Callable[[Config], None]


def head(config: Config) -> None:
    """Go to the newest revision."""
    command.upgrade(config, "head")


async def migrate(settings: Settings, step: Command = head) -> tuple[str | None, str | None]:
    """Run an alembic command in one transaction, alone even when several start at once.

    Returns the revisions before and after.
    """
    engine = create_async_engine(driver_url(settings), poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_run, step)
    finally:
        await engine.dispose()


def present_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None for a bare one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the newest revision of the code."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _run(connection: Connection, step: Command) -> tuple[str | None, str | None]:
    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})
    before = present_revision(connection)
    config = _config()
    config.attributes["connection"] = connection
    step(config)
    return before, present_revision(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
