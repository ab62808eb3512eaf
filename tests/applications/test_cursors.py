"""Applications behind a cursor, and what a list costs however long it is."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from applications import service
from kit.db import Database, database
from kit.engine import create_engine
from kit.settings import Settings
from tests.applications.test_lists import add, ids, listed
from tests.shop.test_order_history import NAMES, forged
from tests.support.clients import Client, problem
from tests.support.keys import APPLICATIONS, application
from tests.support.shops import run, value

MANY = """
INSERT INTO applications (user_name, description, created_at)
SELECT 'name ' || n % 20, 'description ' || n, now() - n % 5000 * interval '1 s'
FROM generate_series(1, 20000) AS n
"""
PLACE = """
SELECT (extract(epoch FROM created_at) * 1000000)::bigint || '-' || id FROM applications
WHERE user_name = coalesce(:name, user_name) ORDER BY created_at DESC, id DESC
LIMIT 1 OFFSET :depth
"""


class TestCursor:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
    async def test_walks_everything_once_while_applications_arrive(
        self, guest: Client, house_database: Database, size: int
    ) -> None:
        made = await add(house_database, *"abcdefg")
        document = await listed(guest, size=size)
        found = ids(document)
        while document["next_cursor"]:
            assert (await guest.post(APPLICATIONS, json=application())).status == 201
            query = {"size": str(size), "cursor": document["next_cursor"]}
            response = await guest.get(APPLICATIONS, params=query)
            document = await response.json()
            assert (document["page"], document["total"], document["pages"]) == (None,) * 3
            assert document.keys() == NAMES
            assert bool(document["next_cursor"]) == ("next" in response.links)
            found += ids(document)
        assert found == made

    async def test_goes_together_with_the_filter(
        self, guest: Client, house_database: Database
    ) -> None:
        made = (await add(house_database, *["other", "a"] * 5))[::2]
        document = await listed(guest, user_name="a", size=2)
        found = ids(document)
        while document["next_cursor"]:
            await guest.post(APPLICATIONS, json=application(user_name="a"))
            document = await listed(guest, user_name="a", size=2, cursor=document["next_cursor"])
            found += ids(document)
        assert found == made

    async def test_goes_on_behind_a_numbered_page(
        self, guest: Client, house_database: Database
    ) -> None:
        made = await add(house_database, *"abcdefg")
        cursor = (await listed(guest, page=2, size=2))["next_cursor"]
        assert ids(await listed(guest, cursor=cursor)) == made[4:]

    @pytest.mark.parametrize("page", [1, 2])
    async def test_goes_not_together_with_a_page(self, guest: Client, page: int) -> None:
        query = {"page": str(page), "cursor": forged("1-1")}
        response = await guest.get(APPLICATIONS, params=query)
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == ["cursor"]

    @pytest.mark.parametrize("cursor", ["", "x", "!!!!", "é", "A" * 101, forged("1"), "MS0x="])
    async def test_that_the_service_did_not_write_is_refused(
        self, guest: Client, cursor: str
    ) -> None:
        response = await guest.get(APPLICATIONS, params={"cursor": cursor})
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == ["cursor"]


class TestCost:
    @pytest.mark.parametrize(
        ("path", "number"),
        [("", 2), ("?user_name=x", 2), ("?cursor={}", 1), ("?user_name=x&cursor={}", 1)],
    )
    async def test_is_so_many_statements_for_a_hundred_as_for_one(
        self,
        guest: Client,
        house_database: Database,
        statements: list[str],
        path: str,
        number: int,
    ) -> None:
        address = URL(f"{APPLICATIONS}{path}".format(forged(f"{10**17 - 1}-1")))
        for more in (1, 99):
            made = await add(house_database, *"x" * more)
            statements.clear()
            response = await guest.get(address.update_query(size=100))
            assert (response.status, len(statements)) == (200, number)
        assert len((await response.json())["items"]) == 100
        statements.clear()
        assert (await guest.get(f"{APPLICATIONS}/{made[0]}")).status == 200
        assert len(statements) == 1


@pytest_asyncio.fixture
async def many(busy_settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Connect to a database with 20 000 applications of 20 names."""
    made = create_engine(busy_settings)
    for statement in (MANY, "ANALYZE applications"):
        await run(database(made), statement)
    yield made
    await made.dispose()


async def plan(engine: AsyncEngine, **query: Any) -> str:
    """Return how PostgreSQL finds the rows of a page."""
    seen: list[tuple[str, Any]] = []

    def see(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", see)
    async with database(engine).reading() as session:
        page = await service.list_applications(session, **{"page": 1, "size": 20, **query})
    event.remove(engine.sync_engine, "before_cursor_execute", see)
    assert len(page.items) == 20
    async with engine.connect() as connection:
        found = await connection.exec_driver_sql(*seen[0])
        return "\n".join(found.scalars())


@pytest.mark.concurrent
class TestIndex:
    async def test_serves_the_order(self, many: AsyncEngine) -> None:
        found = await plan(many)
        assert "Index Scan Backward using ix_applications_created_at_id" in found
        assert "Sort" not in found

    async def test_serves_filter_and_order(self, many: AsyncEngine) -> None:
        found = await plan(many, user_name="name 7")
        assert "Index Scan Backward using ix_applications_user_name_created_at_id" in found
        assert "Index Cond: ((user_name)::text = 'name 7'::text)" in found
        assert "Sort" not in found
        assert "Filter" not in found

    @pytest.mark.parametrize("user_name", [None, "name 7"])
    async def test_leads_to_any_depth_at_once(
        self, many: AsyncEngine, user_name: str | None
    ) -> None:
        for depth in (1, 500, 900):
            behind = await value(database(many), PLACE, name=user_name, depth=depth)
            found = await plan(many, user_name=user_name, cursor=forged(behind))
            assert "Index Scan Backward using ix_applications_" in found
            assert "ROW(created_at, id) < ROW(" in found
            assert "rows=21" in found
            assert "Sort" not in found
            assert "Filter" not in found
