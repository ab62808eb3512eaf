"""Lists of picnics are found by indexes, however many picnics there are."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from kit.db import Database, database
from kit.engine import create_engine
from kit.pages import Row
from kit.settings import Settings
from picnic.repository import picnics
from picnic.service.picnics import list_picnics
from tests.kit.events import tell
from tests.picnic.atlas import took
from tests.picnic.forms import add_cities, add_people
from tests.support import databases
from tests.support.plans import Ask, indexes, plans, scans
from tests.support.shops import run, value

pytestmark = pytest.mark.concurrent

MANY = """
INSERT INTO picnics (city_id, creator_id, time)
SELECT city, :creator, TIMESTAMPTZ '2095-01-01 00:00Z' + make_interval(hours => number - 29000)
    - CASE WHEN number < 27000 THEN INTERVAL '90 years' ELSE INTERVAL '0' END
FROM generate_series(1, 30000) AS number,
    LATERAL (SELECT id AS city FROM cities ORDER BY id OFFSET number % 100 LIMIT 1) AS chosen
"""
MANY_REGISTRATIONS = """
INSERT INTO registrations (picnic_id, user_id)
SELECT picnics.id, users.id FROM picnics, users WHERE picnics.id % 5 = users.id % 5
"""
BY_TIME, BY_CITY = "ix_picnics_time_id", "ix_picnics_city_id_time_id"
AT = datetime(2095, 1, 1, tzinfo=UTC)

QUESTIONS: dict[str, tuple[dict[str, Any], set[str]]] = {  # what is wanted, by which indexes
    "from now on": ({"past": False}, {BY_TIME}),
    "a later page": ({"past": False, "page": 5}, {BY_TIME}),
    "at a moment": ({"moment": AT}, {BY_TIME}),
    "in a city": ({"city_id": 7}, {BY_CITY}),
    "in a city from now on": ({"city_id": 7, "past": False}, {BY_CITY}),
    "in a city at a moment": ({"city_id": 1, "moment": AT}, {BY_TIME, BY_CITY}),
}


Listing = Callable[[AsyncSession], Awaitable[tuple[Sequence[Row], int]]]
ANY: dict[str, Any] = {"moment": None, "past": True, "city_id": None, "page": 1, "size": 20}


def asking(**wanted: Any) -> Listing:
    """Return the question for a page of picnics."""

    async def ask(session: AsyncSession) -> tuple[Sequence[Row], int]:
        return await list_picnics(session, **{**ANY, **wanted})

    return ask


async def used(database: Database, ask: Ask) -> tuple[set[str], set[str]]:
    """Return how a question reads the picnics, and the indexes of theirs that it takes."""
    async with database.reading() as session:
        found = await plans(session, ask)
    taken = {name for plan in found for name in indexes(plan) if name.startswith("ix_picnics")}
    return {scan for plan in found for scan in scans(plan, "picnics")}, taken


@pytest_asyncio.fixture(scope="module")
async def season(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Plan thirty thousand picnics in a hundred cities; one in ten is to come."""
    async with databases.cloned(settings, "season") as ours:
        engine = create_engine(ours)
        opened = database(engine)
        people = await add_people(opened, 5)
        await add_cities(opened, [f"Town {number}" for number in range(100)])
        await run(opened, MANY, creator=people[0])
        await run(opened, MANY_REGISTRATIONS)
        await run(opened, "ANALYZE picnics, registrations, cities")
        assert await value(opened, "SELECT count(*) FROM picnics") == 30_000
        assert await value(opened, "SELECT count(*) FROM picnics WHERE time > now()") > 3_000
        yield engine
        await engine.dispose()


class TestQuestions:
    async def test_take_the_indexes(self, season: AsyncEngine) -> None:
        for name, (wanted, expected) in QUESTIONS.items():
            ask = asking(**wanted)
            kinds, taken = await used(database(season), ask)
            async with database(season).reading() as session:
                rows, total = await ask(session)
                seconds = await took(partial(ask, session), times=3)
            tell(f"{name}: {len(rows)} of {total}, ms", round(seconds * 1000, 1))
            assert rows, name
            assert "Seq Scan" not in kinds, name
            assert taken, name
            assert taken <= expected, name

    async def test_would_read_the_table_without_them(self, season: AsyncEngine) -> None:
        async with databases.undone(season) as (without, _):
            await run(without, f"DROP INDEX {BY_TIME}, {BY_CITY}")
            for name, (wanted, _) in QUESTIONS.items():
                kinds, taken = await used(without, asking(**wanted))
                assert ("Seq Scan" in kinds, taken) == (True, set()), name

    async def test_count_those_who_come_by_an_index(self, season: AsyncEngine) -> None:
        whole = asking(past=False, size=100)
        async with database(season).reading() as session:
            page, *_ = await plans(session, whole)
            people = await plans(
                session, lambda session: picnics.participants(session, 29_500, 20, 0)
            )
        for found in (page, *people):
            assert "Seq Scan" not in scans(found, "registrations")
