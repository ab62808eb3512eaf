"""Run alembic from code: inside a running event loop and on a connection of our own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from kit.engine import lone_engine
from kit.settings import Settings

ADVISORY_LOCK = 7_300_001  # whoever migrates holds it; the others wait their turn

Command = Callable[[Config], None]


class NotMigrated(Exception):
    """The database is not at the revision that this code needs; the text says at which."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Hold the revisions before and after; None is a bare database."""

    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before == self.after:
            return f"Nothing to do: the database is at revision {self.after}."
        return f"The database went from revision {self.before or 'nothing'} to {self.after}."


def head(config: Config) -> None:
    """Go to the newest revision."""
    command.upgrade(config, "head")


async def migrate(settings: Settings, step: Command = head) -> Moved:
    """Run an alembic command in one transaction, alone even when several start at once."""
    engine = lone_engine(settings)
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


def known_revisions() -> set[str]:
    """Return every revision of the code."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _run(connection: Connection, step: Command) -> Moved:
    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})
    before = present_revision(connection)
    if before not in {None, *known_revisions()}:
        raise NotMigrated(
            f"The database is at revision {before}, which this release does not know: "
            "run the one that has brought it there, or a newer one."
        )
    config = _config()
    config.attributes["connection"] = connection
    step(config)
    return Moved(before, present_revision(connection))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
