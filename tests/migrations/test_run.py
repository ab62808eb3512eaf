"""Migrating in real life: many at once, one of them killed, a table in use, by hand."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.settings import Settings
from migrations import run
from migrations.run import migrate
from tests.migrations.catalog import catalog
from tests.migrations.test_stairway import REVISIONS, down

CHECKOUT = Path(run.__file__).parent.parent
BOUND = 30.0  # seconds, for several interpreters that start on one core

MIGRATE = """
import asyncio
from kit.settings import Settings
from migrations.run import migrate
asyncio.run(migrate(Settings.from_environment()))
"""
STOP_IN_THE_MIDDLE = """
import asyncio, time
from alembic import command
from kit.settings import Settings
from migrations.run import migrate
def step(config):
    command.upgrade(config, "0001")
    print("in the middle", flush=True)
    time.sleep(60)
asyncio.run(migrate(Settings.from_environment(), step))
"""

HOLD = text("SELECT pg_advisory_xact_lock(:id)").bindparams(id=run.ADVISORY_LOCK)
HALF_DONE = text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
STATE = text("SELECT version_num, xmin::text, ctid::text FROM alembic_version")


async def start(settings: Settings, *command: str) -> Process:
    """Start a program of this checkout on a database."""
    environment = {**os.environ, "DATABASE_URL": settings.database_url}
    return await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, env=environment, stdout=PIPE, stderr=PIPE
    )


async def start_python(settings: Settings, program: str) -> Process:
    """Start a program in an interpreter of its own."""
    return await start(settings, sys.executable, "-c", program)


async def ended(*processes: Process) -> list[int | None]:
    """Wait for processes and return how they ended; what they complained of is printed."""
    async with asyncio.timeout(BOUND):
        for process in processes:
            said, complaint = await process.communicate()
            sys.stdout.write((said + complaint).decode())
    return [process.returncode for process in processes]


async def until_waiting(engine: AsyncEngine, many: int) -> None:
    """Wait until that many sessions of the database wait for a lock."""
    async with asyncio.timeout(BOUND), engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        while True:
            if (await connection.execute(WAITING)).scalar_one() >= many:
                return
            await asyncio.sleep(0.02)


async def state(engine: AsyncEngine) -> list[tuple[str, str, str]]:
    """Return the revision, and the transaction that wrote it."""
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(STATE)]


class TestManyAtOnce:
    @pytest.mark.chaos
    async def test_all_succeed(self, bare: Settings, bare_engine: AsyncEngine) -> None:
        async with bare_engine.begin() as gate:
            await gate.execute(HOLD)
            processes = [await start_python(bare, MIGRATE) for _ in range(4)]
            await until_waiting(bare_engine, 4)
        assert await ended(*processes) == [0, 0, 0, 0]
        ((revision, *_),) = await state(bare_engine)
        assert revision == REVISIONS[-1].revision

    async def test_succeed_when_one_is_killed(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        victim = await start_python(bare, STOP_IN_THE_MIDDLE)
        assert victim.stdout is not None
        async with asyncio.timeout(BOUND):
            assert await victim.stdout.readline() == b"in the middle\n"
        others = [await start_python(bare, MIGRATE) for _ in range(3)]
        await until_waiting(bare_engine, 3)
        victim.kill()
        assert await ended(*others) == [0, 0, 0]
        assert await ended(victim) == [-9]
        ((revision, *_),) = await state(bare_engine)
        assert revision == REVISIONS[-1].revision


class TestAdvisoryLock:
    async def test_waits_for_a_migration_that_is_under_way(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        async with bare_engine.begin() as other:
            await other.execute(HOLD)
            await other.execute(HALF_DONE)
            ours = asyncio.create_task(migrate(bare))
            await until_waiting(bare_engine, 1)
        await ours
        ((revision, *_),) = await state(bare_engine)
        assert revision == REVISIONS[-1].revision

    async def test_shows_the_loss_without_the_lock(
        self, bare: Settings, bare_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run, "ADVISORY_LOCK", run.ADVISORY_LOCK + 1)
        async with bare_engine.begin() as other:
            await other.execute(HOLD)
            await other.execute(HALF_DONE)
            ours = asyncio.create_task(migrate(bare))
            await until_waiting(bare_engine, 1)
        with pytest.raises(DBAPIError, match=r"unique|exists"):
            await ours


class TestSecondRun:
    async def test_changes_nothing(self, bare: Settings, bare_engine: AsyncEngine) -> None:
        await migrate(bare)
        before = await state(bare_engine), await catalog(bare_engine)
        await migrate(bare)
        assert (await state(bare_engine), await catalog(bare_engine)) == before


class TestLockTimeout:
    async def test_gives_up_on_a_table_in_use(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        await migrate(bare)
        before = await catalog(bare_engine)
        async with bare_engine.begin() as reader:
            await reader.execute(text("LOCK TABLE users IN ACCESS SHARE MODE"))
            started = time.monotonic()
            with pytest.raises(DBAPIError, match="lock timeout"):
                await migrate(bare, down("base"))
            assert 1.5 < time.monotonic() - started < 3
        assert await catalog(bare_engine) == before


class TestAlembicsCommand:
    async def test_upgrades_and_finds_models_and_migrations_equal(
        self, bare: Settings, bare_engine: AsyncEngine
    ) -> None:
        alembic = str(Path(sys.executable).parent / "alembic")
        assert await ended(await start(bare, alembic, "upgrade", "head")) == [0]
        ((revision, *_),) = await state(bare_engine)
        assert revision == REVISIONS[-1].revision
        assert await ended(await start(bare, alembic, "check")) == [0]
