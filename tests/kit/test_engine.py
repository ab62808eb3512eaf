"""Connections: what an address may say, and what becomes of one that died at rest."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from kit import engine
from kit.db import Database
from kit.engine import driver_url
from kit.settings import Settings, SettingsError
from tests.support.shops import run, value

KILL = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class TestDriverUrl:
    def test_takes_the_name_that_libpq_has_for_tls(self, bare_settings: Settings) -> None:
        url = "postgresql://me:secret@db.example:5433/shop?sslmode=require"
        assert dict(driver_url(replace(bare_settings, database_url=url)).query) == {
            "ssl": "require"
        }

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://me@db/shop?colour=blue",
            "postgresql://me@db:99999/shop",
            "postgresql://me@db:port/shop",
            "mysql://me@db/shop",
            "shop",
        ],
    )
    def test_refuses_what_cannot_be(self, bare_settings: Settings, url: str) -> None:
        with pytest.raises(SettingsError, match="DATABASE_URL"):
            driver_url(replace(bare_settings, database_url=url))


@pytest.mark.concurrent
class TestConnectionThatDiedAtRest:
    async def lose(self, database: Database, other: Database) -> int:
        """End the connections of a database that are at rest, then use it."""
        await run(database, "SELECT 1")
        await run(other, KILL)
        return int(await value(database, "SELECT 7"))

    async def test_is_replaced(
        self, busy_database: Database, other_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "RESTED", 0.0)
        assert await self.lose(busy_database, other_database) == 7

    async def test_that_nobody_asks_is_used(
        self, busy_database: Database, other_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "RESTED", 3600.0)
        with pytest.raises(DBAPIError):
            await self.lose(busy_database, other_database)
