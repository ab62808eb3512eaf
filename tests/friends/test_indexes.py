"""Lists of friends and mutual friends are found by indexes, however many friendships there are."""

import pytest

from friends import repository
from kit.db import Database
from tests.support.plans import Ask, indexes, plans, scans
from tests.support.shops import run, value

MANY = """
INSERT INTO friendships (initiator_id, target_id)
SELECT 1 + number % 2000, 2001 + (number * 7 + number / 2000) % 2000
FROM generate_series(1, 40000) AS number
ON CONFLICT DO NOTHING
"""
OF_ONE = {"ix_friendships_initiator_id", "ix_friendships_target_id"}

QUESTIONS: dict[str, Ask] = {
    "the first page": lambda session: repository.list_friendships(session, 5, 20, 0),
    "a later page": lambda session: repository.list_friendships(session, 2005, 20, 20),
    "of nobody": lambda session: repository.list_friendships(session, 9999, 100, 0),
    "mutual": lambda session: repository.mutual_friends(session, 5, 7, 20, 0),
    "mutual, the other way": lambda session: repository.mutual_friends(session, 2005, 5, 20, 0),
}


async def used(database: Database, ask: Ask) -> tuple[set[str], set[str]]:
    """Return the kinds of scans of the table and the indexes that a question takes."""
    async with database.reading() as session:
        found = await plans(session, ask)
    kinds = [scans(plan, "friendships") for plan in found]
    return set().union(*kinds), set().union(*map(indexes, found))


@pytest.fixture
async def crowd(busy_database: Database) -> Database:
    """Make some ten thousand friendships."""
    await run(busy_database, MANY)
    await run(busy_database, "ANALYZE friendships")
    assert await value(busy_database, "SELECT count(*) FROM friendships") > 30_000
    return busy_database


class TestQuestions:
    async def test_take_the_indexes(self, crowd: Database) -> None:
        for name, ask in QUESTIONS.items():
            scans, indexes = await used(crowd, ask)
            assert "Seq Scan" not in scans, name
            assert indexes == OF_ONE, name

    async def test_would_read_the_table_without_one_of_them(self, crowd: Database) -> None:
        await run(crowd, "DROP INDEX ix_friendships_target_id")
        scans = [(await used(crowd, ask))[0] for ask in QUESTIONS.values()]
        assert all("Seq Scan" in kinds for kinds in scans), scans
