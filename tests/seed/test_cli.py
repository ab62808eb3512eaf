"""Prove what `python -m seed` prints and returns, also when several start and one is killed."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from click.testing import Result

from kit.settings import Settings
from tests.seed.tools import SMALL_OPTIONS, query, run, start
from tests.support.databases import at

pytestmark = pytest.mark.concurrent

COUNTS = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM orders)"
AT_WORK = """
    SELECT 1 FROM pg_stat_progress_copy p JOIN pg_stat_activity a USING (pid)
    WHERE a.datname = current_database() AND p.tuples_processed > 0
"""
WAITING = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def until(fact: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a fact, at most 20 seconds."""
    end = time.monotonic() + 20
    while not await fact():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def refusal(result: Result, code: int) -> str:
    """Assert that a command said one sentence, on stderr only, and return it."""
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


class TestOutput:
    async def test_prints_logins_and_then_that_there_is_nothing_to_do(
        self, empty: Settings
    ) -> None:
        first = await run(empty, *SMALL_OPTIONS)
        assert (first.exit_code, first.stderr) == (0, "")
        assert first.stdout.count("skytrack") == 1
        assert first.stdout.count("@example.") == 12
        assert "admin@example.com" in first.stdout
        assert "orders              30 rows" in first.stdout
        second = await run(empty, *SMALL_OPTIONS)
        assert (second.exit_code, second.stderr) == (0, "")
        assert second.stdout.startswith("Nothing to do: ")

    async def test_prints_one_json_object(self, empty: Settings) -> None:
        process = await start(empty, *SMALL_OPTIONS, "--json")
        output, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        document = json.loads(output)
        assert document["changed"] is True
        assert document["counts"]["offers"] == 40
        admin = {"username": "admin", "email": "admin@example.com", "is_staff": True}
        assert document["logins"][1] == admin
        assert document["password"] == "skytrack"
        assert {"users", "order_items", "total"} <= set(document["seconds"])

    async def test_explains_itself(self, settings: Settings) -> None:
        result = await run(settings, "--help")
        assert result.exit_code == 0
        assert "Examples:" in result.stdout


class TestRefusals:
    async def test_reset_without_a_terminal_needs_yes(self, settings: Settings) -> None:
        said = refusal(await run(settings, "--reset"), 2)
        assert said == "Error: --reset deletes all data: add --yes to confirm it.\n"

    async def test_reset_in_production(self, settings: Settings) -> None:
        own = replace(settings, database_url="postgresql://shop:of-our-own@127.0.0.1:1/shop")
        safe = {"APP_ENV": "production", "COOKIE_SECURE": "true", "BCRYPT_ROUNDS": "12"}
        said = refusal(await run(own, "--reset", "--yes", **safe), 1)
        assert "APP_ENV=production: made-up people with a public password are refused" in said

    async def test_more_offers_than_fit(self, settings: Settings) -> None:
        said = refusal(await run(settings, "--shops", "1", "--json"), 2)
        assert "room for 200 offers, not 600" in said

    async def test_missing_tables(self, settings: Settings) -> None:
        said = refusal(await run(at(settings, "postgres")), 1)
        assert "run `shop-api migrate` first" in said

    async def test_unreachable_database(self, settings: Settings) -> None:
        closed = replace(settings, database_url="postgresql://shop:secret@127.0.0.1:1/shop")
        said = refusal(await run(closed), 1)
        assert said.startswith("Error: PostgreSQL cannot be used")
        assert "secret" not in said

    async def test_wrong_setting(self, settings: Settings) -> None:
        assert "BCRYPT_ROUNDS" in refusal(await run(settings, BCRYPT_ROUNDS="many"), 1)


@pytest.mark.chaos
class TestAtOnce:
    async def test_one_is_killed_one_fills_the_others_change_nothing(
        self, empty: Settings
    ) -> None:
        victim = await start(empty, "--users", "2000000", "--json")

        async def copies() -> bool:
            return bool(await query(empty, AT_WORK))

        async def all_wait() -> bool:
            return len(await query(empty, WAITING)) == 4

        await until(copies)
        others = [await start(empty, *SMALL_OPTIONS, "--json") for _ in range(4)]
        await until(all_wait)
        victim.kill()
        await victim.communicate()
        outputs = [await other.communicate() for other in others]
        assert [other.returncode for other in others] == [0, 0, 0, 0], outputs
        changed = sorted(json.loads(output)["changed"] for output, _ in outputs)
        assert changed == [False, False, False, True]
        assert await query(empty, COUNTS) == [(12, 30)]
