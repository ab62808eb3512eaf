"""Waiting for the tables while somebody else makes them, and who need not wait."""

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.settings import Settings
from migrations import run
from migrations.run import NotMigrated, migrate
from migrations.wait import PAUSE, wait
from tests.kit.doors import dead_port
from tests.migrations.test_stairway import REVISIONS

PATIENCE = 60.0  # seconds, for whoever waits beside a migration on a busy machine
NEWEST = REVISIONS[-1].revision
CHECKOUT = Path(run.__file__).parent.parent


async def said(settings: Settings, *arguments: str) -> tuple[int | None, str]:
    """Run `shop-api migrate` on a database; return its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import cli; cli.main()", "migrate", *arguments),
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": settings.database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def migrate_tomorrow(settings: Settings, engine: AsyncEngine) -> None:
    """Bring the database where a newer release would have it."""
    await migrate(settings)
    async with engine.begin() as newer:
        await newer.execute(text("UPDATE alembic_version SET version_num = 'of tomorrow'"))


class TestWait:
    async def test_returns_when_somebody_has_migrated(self, bare: Settings) -> None:
        waiting = asyncio.create_task(wait(bare, PATIENCE))
        await asyncio.sleep(2 * PAUSE)
        assert not waiting.done()
        await migrate(bare, lambda config: command.upgrade(config, REVISIONS[-2].revision))
        await asyncio.sleep(2 * PAUSE)
        assert not waiting.done()
        await migrate(bare)
        assert await waiting == NEWEST

    async def test_does_not_hold_up_who_runs_beside_a_newer_release(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        await migrate_tomorrow(bare, bare_engine)
        assert await wait(bare, 1) == "of tomorrow"

    async def test_gives_up(self, bare: Settings) -> None:
        started = time.monotonic()
        with pytest.raises(NotMigrated, match=f"at revision nothing, not {NEWEST}, after 1 sec"):
            await wait(bare, 1)
        assert time.monotonic() - started >= 1

    async def test_says_at_last_that_the_database_is_away(self, bare: Settings) -> None:
        url = f"postgresql://nobody:nothing@127.0.0.1:{dead_port()}/none"
        with pytest.raises(ConnectionRefusedError):
            await wait(replace(bare, database_url=url), 1)


class TestCommand:
    async def test_changes_nothing_and_says_why_it_gave_up(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        code, text_of_it = await said(bare, "--wait", "1")
        assert code == 1
        assert text_of_it.startswith("Error: The database is at revision nothing")
        assert len(text_of_it.splitlines()) == 1
        async with bare_engine.connect() as connection:
            assert await connection.run_sync(run.present_revision) is None

    async def test_says_the_revision(self, bare: Settings) -> None:
        await migrate(bare)
        assert await said(bare, "--wait", "5") == (0, f"The database is at revision {NEWEST}.\n")

    async def test_leaves_a_database_of_a_newer_release_alone(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        await migrate_tomorrow(bare, bare_engine)
        code, told = await said(bare)
        assert code == 1
        assert told.startswith("Error: The database is at revision of tomorrow, which this")
        assert len(told.splitlines()) == 1
