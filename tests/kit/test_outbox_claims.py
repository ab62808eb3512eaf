"""Claims: the oldest rows first, each for one relay, and the order of a key above all."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from kit import outbox
from kit.db import Database
from tests.kit.events import commit, commit_many, park, until
from tests.support.shops import run, value

LONG = timedelta(seconds=60)
SHORT = timedelta(milliseconds=50)


async def claim(
    database: Database, owner: str = "me", lease: timedelta = LONG, most: int = 100
) -> list[int]:
    """Claim rows in a transaction of its own; return their ids."""
    async with database.writing() as session:
        return [row["id"] for row in await outbox.claim(session, owner, lease, most)]


async def commit_keys(database: Database, keys: Sequence[str]) -> None:
    """Record events of these keys; their ids are 1, 2, 3..."""
    for number, key in enumerate(keys, 1):
        await commit(database, "topic", key, number)


async def delay(database: Database, row_id: int) -> None:
    """Let a row wait for its next try."""
    later = "UPDATE outbox SET next_at = now() + interval '1 hour' WHERE id = :id"
    await run(database, later, id=row_id)


class TestClaim:
    async def test_takes_the_oldest_first_and_no_more_than_wanted(
        self, busy_database: Database
    ) -> None:
        await commit_keys(busy_database, "abcde")
        assert await claim(busy_database, most=2) == [1, 2]
        assert await claim(busy_database, most=2) == [3, 4]
        assert await claim(busy_database, most=2) == [5]
        assert await claim(busy_database) == []

    async def test_takes_all_rows_of_a_key_in_order(self, busy_database: Database) -> None:
        await commit_keys(busy_database, "abacaa")
        assert await claim(busy_database) == [1, 2, 3, 4, 5, 6]

    async def test_leaves_what_is_behind_a_leased_row_of_its_key(
        self, busy_database: Database
    ) -> None:
        await commit_keys(busy_database, "aabca")
        assert await claim(busy_database, most=1) == [1]
        assert await claim(busy_database, "you") == [3, 4]

    async def test_leaves_what_is_behind_a_row_of_its_key_that_waits_for_its_next_try(
        self, busy_database: Database
    ) -> None:
        await commit_keys(busy_database, "abaca")
        await commit(busy_database, "other topic", "a", 6)
        await delay(busy_database, 3)
        assert await claim(busy_database) == [1, 2, 4, 6]

    async def test_passes_what_is_parked_or_sent(self, busy_database: Database) -> None:
        await commit_keys(busy_database, "aabb")
        async with busy_database.writing() as session:
            await outbox.publish(session, [3])
            await park(session, 1)
        assert await claim(busy_database) == [2, 4]

    async def test_takes_over_when_the_lease_has_expired(self, busy_database: Database) -> None:
        await commit_keys(busy_database, "aab")
        assert await claim(busy_database, "dead", SHORT) == [1, 2, 3]

        async def is_taken_over() -> bool:
            return await claim(busy_database, "heir", LONG) == [1, 2, 3]

        await until(is_taken_over, 5)
        owners = "SELECT string_agg(DISTINCT lease_owner, ',') FROM outbox"
        assert await value(busy_database, owners) == "heir"

    async def test_leaves_topics_that_are_to_be_left(self, busy_database: Database) -> None:
        await commit_keys(busy_database, "ab")
        await commit(busy_database, "other topic", "a", 3)
        async with busy_database.writing() as session:
            found = await outbox.claim(session, "me", LONG, 100, but=["topic", "no topic"])
        assert [row["id"] for row in found] == [3]

    @pytest.mark.parametrize("keys", [100, 7])
    async def test_never_overlaps_another_one(
        self, busy_database: Database, other_database: Database, keys: int
    ) -> None:
        await commit_many(busy_database, "topic", 100, keys=keys)
        databases = [busy_database, other_database] * 4
        found = await asyncio.gather(*(claim(opened, most=10) for opened in databases))
        taken = [row_id for ids in found for row_id in ids]
        assert len(taken) == len(set(taken))
        assert sorted(taken) == list(range(1, len(taken) + 1))
        assert all(ids == sorted(ids) for ids in found)
        # one key's rows are together in one claim, or behind it
        holders = {row_id % keys: number for number, ids in enumerate(found) for row_id in ids}
        assert all(
            holders[row_id % keys] == number for number, ids in enumerate(found) for row_id in ids
        )
        assert len(taken) == (80 if keys == 100 else 10)

    async def test_sees_what_the_one_before_it_took(
        self, busy_database: Database, other_database: Database
    ) -> None:
        await commit_keys(busy_database, "aab")
        async with busy_database.writing() as session:
            taken = await outbox.claim(session, "first", LONG, 1)
            second = asyncio.create_task(claim(other_database, "second"))
            done, _ = await asyncio.wait([second], timeout=0.2)
            assert not done  # claims take turns
        assert [row["id"] for row in taken] == [1]
        assert await second == [3]
