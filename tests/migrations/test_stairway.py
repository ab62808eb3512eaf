"""Each revision goes up, down and up again, and together they make what the models describe."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, event, select, table, text
from sqlalchemy.ext.asyncio import AsyncEngine

import monolith  # noqa: F401 - the tables of all domains must be known
from kit.db import Base
from kit.settings import Settings
from migrations import run
from migrations.run import migrate
from tests.migrations.catalog import catalog

SCRIPTS = ScriptDirectory(str(Path(run.__file__).parent))
REVISIONS: list[Script] = list(reversed(list(SCRIPTS.walk_revisions())))

each_revision = pytest.mark.parametrize("script", REVISIONS, ids=lambda script: script.revision)


def to(direction: str, revision: str, said: list[str] | None = None) -> run.Command:
    """Return the step to a revision; what it says to the database is added to `said`."""

    def hear(_: Connection, __: Any, statement: str, *___: Any) -> None:
        if said is not None:
            said.append(statement)

    def step(config: Config) -> None:
        event.listen(config.attributes["connection"], "before_cursor_execute", hear)
        getattr(command, direction)(config, revision)

    return step


up, down = partial(to, "upgrade"), partial(to, "downgrade")


class TestOrder:
    def test_is_linear_and_numbered(self) -> None:
        numbers = [f"{number:04}" for number in range(1, len(REVISIONS) + 1)]
        assert [script.revision for script in REVISIONS] == numbers
        assert [script.down_revision for script in REVISIONS] == [None, *numbers[:-1]]

    @each_revision
    def test_shows_in_the_file_names(self, script: Script) -> None:
        assert Path(script.path).name.startswith(f"{script.revision}_")
        assert script.doc

    def test_can_be_continued_from_the_template(self, tmp_path: Path) -> None:
        versions = [str(Path(run.__file__).parent / "versions"), str(tmp_path)]
        scripts = ScriptDirectory(SCRIPTS.dir, version_locations=versions)
        number = f"{len(REVISIONS) + 1:04}"
        drafted = scripts.generate_revision(number, "later", version_path=str(tmp_path))
        assert isinstance(drafted, Script)
        source = Path(drafted.path).read_text()
        assert source.count("SET LOCAL lock_timeout") == 2
        assert source.startswith('"""')


class TestStairs:
    @each_revision
    async def test_go_up_down_and_up(
        self, bare: Settings, bare_engine: AsyncEngine, script: Script
    ) -> None:
        below = str(script.down_revision or "base")
        if script.down_revision:
            await migrate(bare, up(below))
        before = await catalog(bare_engine)
        await migrate(bare, up(script.revision))
        after = await catalog(bare_engine)
        assert before != after
        await migrate(bare, down(below))
        assert await catalog(bare_engine) == before
        await migrate(bare, up(script.revision))
        assert await catalog(bare_engine) == after

    @each_revision
    async def test_never_wait_long_for_a_lock(self, bare: Settings, script: Script) -> None:
        below = str(script.down_revision or "base")
        if script.down_revision:
            await migrate(bare, up(below))
        for step in (partial(up, script.revision), partial(down, below)):
            said: list[str] = []
            await migrate(bare, step(said))
            own = [line for line in said if "alembic_version" not in line and "pg_cat" not in line]
            assert own[0] == "SET LOCAL lock_timeout = '2s'", own
            assert len(own) > 1

    async def test_lead_back_to_nothing(self, bare: Settings, bare_engine: AsyncEngine) -> None:
        nothing = await catalog(bare_engine)
        await migrate(bare)
        await migrate(bare, down("base"))
        assert await catalog(bare_engine) == nothing
        async with bare_engine.connect() as connection:
            query = select(text("*")).select_from(table("alembic_version"))
            assert (await connection.execute(query)).all() == []


def differences(connection: Connection) -> list[Any]:
    """Return what autogenerate would write."""
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, Base.metadata))


class TestModels:
    async def test_equal_the_migrations(self, bare: Settings, bare_engine: AsyncEngine) -> None:
        await migrate(bare)
        async with bare_engine.connect() as connection:
            assert await connection.run_sync(differences) == []

    async def test_have_the_same_catalog(self, bare: Settings, bare_engine: AsyncEngine) -> None:
        await migrate(bare)
        migrated = await catalog(bare_engine)
        await migrate(bare, down("base"))
        async with bare_engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        described = await catalog(bare_engine)
        assert sorted(described - migrated) == sorted(migrated - described) == []
