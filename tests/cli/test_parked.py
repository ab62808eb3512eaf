"""`shop-api outbox` and `shop-api inbox`: list what is parked, and let it be tried again."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from cli import main
from kit.db import Database
from kit.settings import Settings
from tests.support.shops import rows, run

Run = Callable[..., Awaitable[Result]]

PARKED = {
    "outbox": """
INSERT INTO outbox (topic, key, event_type, payload, attempts, dead_at, last_error)
SELECT 'orders', n::text, 'order.placed', '', CASE WHEN n <= 3 THEN 10 ELSE 0 END,
    CASE WHEN n <= 3 THEN now() END, CASE WHEN n <= 3 THEN 'Poison: ' || n END
FROM generate_series(1, 5) AS n
""",
    "inbox": """
INSERT INTO inbox
    (consumer, event_id, topic, key, event_type, payload, attempts, dead_at, last_error)
SELECT 'me', gen_random_uuid(), 'orders', n::text, 'order.placed', '',
    CASE WHEN n <= 3 THEN 10 ELSE 0 END,
    CASE WHEN n <= 3 THEN now() END, CASE WHEN n <= 3 THEN 'Poison: ' || n END
FROM generate_series(1, 5) AS n
""",
}
TABLES = list(PARKED)
FIELDS = {"id", "topic", "key", "event_type", "event_id", "attempts", "dead_at", "last_error"}


@pytest.fixture
def shop_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, busy_settings: Settings) -> Run:
    """Run a command, in a thread since it has an event loop of its own, in a new database."""
    monkeypatch.chdir(tmp_path)

    async def invoke(*arguments: str, **environment: str) -> Result:
        named = {"DATABASE_URL": busy_settings.database_url, **environment}
        return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=named)

    return invoke


async def states(database: Database, table: str) -> list[tuple[int, int, bool]]:
    """Return each row's id, its tries and whether it is parked."""
    found = await rows(database, f"SELECT id, attempts, dead_at FROM {table} ORDER BY id")
    return [(row["id"], row["attempts"], row["dead_at"] is not None) for row in found]


@pytest.mark.parametrize("table", TABLES)
class TestHelp:
    @pytest.mark.parametrize("command", [[], ["list"], ["retry"]])
    async def test_has_an_example(self, shop_api: Run, table: str, command: list[str]) -> None:
        shown = await shop_api(table, *command, "--help")
        assert shown.exit_code == 0
        assert f"shop-api {table} " in shown.output.partition("Example")[2]


@pytest.mark.parametrize("table", TABLES)
class TestList:
    async def test_shows_what_is_parked(
        self, shop_api: Run, busy_database: Database, table: str
    ) -> None:
        await run(busy_database, PARKED[table])
        shown = await shop_api(table, "list")
        assert shown.exit_code == 0, shown.output
        *lines, last = shown.output.splitlines()
        assert [line.split()[0] for line in lines] == ["1", "2", "3"]
        assert lines[0].split(None, 4)[1:4] == ["orders", "1", "order.placed"]
        assert lines[0].endswith("10 tries  Poison: 1")
        assert last.startswith("3 parked")
        assert ("2 waiting, the oldest for " in last) == (table == "outbox")

    async def test_shows_one_json_object_a_row(
        self, shop_api: Run, busy_database: Database, table: str
    ) -> None:
        await run(busy_database, PARKED[table])
        shown = await shop_api(table, "list", "--json")
        assert shown.exception is None, shown.exception
        found = [orjson.loads(line) for line in shown.output.splitlines()]
        assert [row["id"] for row in found] == [1, 2, 3]
        for row in found:
            assert row.keys() == FIELDS
            assert uuid.UUID(row["event_id"])
            assert (row["attempts"], row["last_error"]) == (10, f"Poison: {row['id']}")

    async def test_says_that_nothing_is_parked(self, shop_api: Run, table: str) -> None:
        shown = await shop_api(table, "list")
        assert shown.exit_code == 0
        assert shown.output == f"0 parked{', 0 waiting' if table == 'outbox' else ''}.\n"
        assert (await shop_api(table, "list", "--json")).output == ""


@pytest.mark.parametrize("table", TABLES)
class TestRetry:
    async def test_gives_rows_their_tries_again(
        self, shop_api: Run, busy_database: Database, table: str
    ) -> None:
        await run(busy_database, PARKED[table])
        done = await shop_api(table, "retry", "3", "1")
        assert (done.exit_code, done.output) == (0, "2 will be tried again.\n")
        assert await states(busy_database, table) == [
            (1, 0, False),
            (2, 10, True),
            (3, 0, False),
            (4, 0, False),
            (5, 0, False),
        ]
        done = await shop_api(table, "retry", "--all")
        assert (done.exit_code, done.output) == (0, "1 will be tried again.\n")
        done = await shop_api(table, "retry", "--all")
        assert (done.exit_code, done.output) == (0, "0 will be tried again.\n")

    @pytest.mark.parametrize("ids", [["4"], ["99"], [str(2**63 - 1)]])
    async def test_says_what_is_not_parked(
        self, shop_api: Run, busy_database: Database, table: str, ids: list[str]
    ) -> None:
        await run(busy_database, PARKED[table])
        refused = await shop_api(table, "retry", *ids)
        assert refused.exit_code == 1
        assert refused.stderr == f"Error: Not parked: {ids[0]}.\n"

    @pytest.mark.parametrize("ids", [[], ["1", "--all"], ["0"], ["-1"], ["one"], [str(2**63)]])
    async def test_says_what_is_no_id(self, shop_api: Run, table: str, ids: list[str]) -> None:
        refused = await shop_api(table, "retry", *ids)
        assert refused.exit_code == 2
        assert "Error: " in refused.output
        assert "PostgreSQL" not in refused.output

    async def test_says_that_postgresql_is_away(self, shop_api: Run, table: str) -> None:
        nowhere = "postgresql://postgres@127.0.0.1:1/none"
        for arguments in (["list"], ["retry", "--all"]):
            refused = await shop_api(table, *arguments, DATABASE_URL=nowhere)
            assert refused.exit_code == 1
            assert "PostgreSQL cannot be used" in refused.output
            assert len(refused.output.splitlines()) == 1
