"""PostgreSQL: limits on each connection, reads without a transaction, writes that roll back."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit import engine as engines
from kit.db import DATABASE, Database, contains, violations
from kit.errors import Conflict
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.conftest import VisitAt
from tests.support.clients import Client, add_user, client_of, problem, sign_in
from tests.support.shops import SHOP, add_offers, lines, run, stock, value
from users.errors import UsernameTaken

LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "TimeZone": "UTC",
}


class TestContains:
    @pytest.mark.parametrize(
        ("part", "whole", "found"),
        [
            ("b", "abc", True),
            ("%", "a%c", True),
            ("%", "abc", False),
            ("_", "abc", False),
            ("a_c", "abc", False),
            ("\\", "a\\c", True),
            ("\\", "abc", False),
            ("c\\", "abc\\", True),
            ("\\%", "\\%", True),
            ("\\%", "%", False),
            ("", "abc", True),
            ("ЁЖ", "ёжик", True),
        ],
    )
    async def test_finds_plain_characters(
        self, house_database: Database, part: str, whole: str, found: bool
    ) -> None:
        query = "SELECT CAST(:whole AS text) ILIKE :pattern"
        assert await value(house_database, query, whole=whole, pattern=contains(part)) is found


class TestViolations:
    async def test_raises_the_noun_of_the_constraint(self, house_database: Database) -> None:
        await add_user(house_database, "dora")
        with pytest.raises(UsernameTaken), violations({"uq_users_username": UsernameTaken}):
            await add_user(house_database, "DORA", email="other@example.org")

    async def test_leaves_other_constraints_alone(self, house_database: Database) -> None:
        await add_user(house_database, "dora")
        with pytest.raises(IntegrityError), violations({"uq_users_email": Conflict}):
            await add_user(house_database, "DORA", email="other@example.org")
        with pytest.raises(ZeroDivisionError), violations({"uq_users_email": Conflict}):
            raise ZeroDivisionError


async def pid_of(session: AsyncSession) -> int:
    """Return the process that serves a session."""
    pid: int = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    return pid


async def state_of(database: Database, pid: int) -> tuple[str, bool]:
    """Return what a connection does, and whether it keeps a transaction."""
    query = "SELECT state, xact_start IS NOT NULL FROM pg_stat_activity WHERE pid = :pid"
    async with database.reading() as session:
        state, in_transaction = (await session.execute(text(query), {"pid": pid})).one()
    return state, in_transaction


class TestConnections:
    async def test_carry_their_limits(self, busy_database: Database) -> None:
        for opened in (busy_database.reading(), busy_database.writing()):
            async with opened as session:
                for name, limit in LIMITS.items():
                    shown = (await session.execute(text(f"SHOW {name}"))).scalar_one()
                    assert shown == limit, name

    async def test_keep_no_transaction_for_reads(self, busy_database: Database) -> None:
        async with busy_database.reading() as session:
            pid = await pid_of(session)
            assert await state_of(busy_database, pid) == ("idle", False)
            moments = {(await session.execute(text("SELECT now()"))).scalar_one() for _ in "ab"}
        assert len(moments) == 2

    async def test_keep_one_for_writes(self, busy_database: Database) -> None:
        async with busy_database.writing() as session:
            pid = await pid_of(session)
            assert await state_of(busy_database, pid) == ("idle in transaction", True)
        assert await state_of(busy_database, pid) == ("idle", False)


INSERT = text("INSERT INTO shops (name, address) VALUES ('x', 'y')")


async def insert_and_fail(database: Database) -> None:
    """Insert a shop, then break the transaction."""
    async with database.writing() as session:
        await session.execute(INSERT)
        raise ZeroDivisionError


class TestWriting:
    async def test_commits_at_the_end_and_rolls_back_on_an_error(
        self, busy_database: Database
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            await insert_and_fail(busy_database)
        assert await value(busy_database, "SELECT count(*) FROM shops") == 0
        async with busy_database.writing() as session:
            await session.execute(INSERT)
            assert await value(busy_database, "SELECT count(*) FROM shops") == 0
        assert await value(busy_database, "SELECT count(*) FROM shops") == 1


class TestPool:
    async def test_that_is_exhausted_is_unavailable(
        self, busy_settings: Settings, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert engines.POOL_WAIT < 2  # the whole answer must come within 2 s
        monkeypatch.setattr(engines, "POOL_SIZE", 1)
        monkeypatch.setattr(engines, "POOL_WAIT", 0.2)
        house = await serve(busy_settings, None)
        client = client_of(house)
        async with house.app[DATABASE].writing() as session:
            await pid_of(session)
            started = time.perf_counter()
            response = await client.get(f"{SHOP}/shops")
            assert 0.2 <= time.perf_counter() - started < 1
        await problem(response, 503, "database-unavailable")
        assert (await client.get(f"{SHOP}/shops")).status == 200
        await client.close()


@pytest_asyncio.fixture
async def buyer(
    busy_settings: Settings, busy_database: Database, visit_at: VisitAt
) -> AsyncIterator[Client]:
    """Visit a house whose database finds deadlocks soon."""
    name = busy_settings.database_url.rsplit("/", 1)[1].split("?")[0]
    await run(busy_database, f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'")
    await add_user(busy_database, "dora")
    client = await visit_at(busy_settings, None)
    assert (await sign_in(client, "dora")).status == 200
    yield client


async def deadlock(buyer: Client, database: Database) -> tuple[int, list[int]]:
    """Order two offers while somebody locks them the other way round; return status and stock."""
    first, second = await add_offers(database, 2)
    lock = text("UPDATE offers SET available = available WHERE id = :id")
    async with database.writing() as other:
        await other.execute(text("SET LOCAL deadlock_timeout = '10s'"))  # so the house is chosen
        await other.execute(lock, {"id": second})
        body = lines((first, 1), (second, 1))
        ordering = asyncio.create_task(buyer.post(f"{SHOP}/orders", json=body))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(5):
            while not await value(database, waiting):  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)
        await other.execute(lock, {"id": first})
    response = await ordering
    return response.status, await stock(database, [first, second])


class TestDeadlock:
    async def test_is_tried_again(self, buyer: Client, busy_database: Database) -> None:
        assert await deadlock(buyer, busy_database) == (201, [9, 9])

    async def test_would_else_be_an_outage(
        self, buyer: Client, busy_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.endpoint.TRIES", 1)
        assert await deadlock(buyer, busy_database) == (503, [10, 10])
