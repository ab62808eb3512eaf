"""What becomes of a claimed row: sent, given back, put off, failed, parked, pruned."""

from datetime import timedelta
from typing import Any

import pytest

from kit import outbox
from kit.db import Database
from kit.outbox import OutboxRow
from kit.parking import FIRST_WAIT, LONGEST_WAIT, TRIES
from tests.kit.events import commit_many, park
from tests.support.shops import rows, run

LEASE = timedelta(seconds=60)
ROWS = "SELECT *, extract(epoch FROM next_at - clock_timestamp()) AS wait FROM outbox ORDER BY id"


@pytest.fixture(autouse=True)
async def claimed(busy_database: Database) -> None:
    """Claim three rows."""
    await commit_many(busy_database, "topic", 3)
    async with busy_database.writing() as session:
        assert len(await outbox.claim(session, "me", LEASE, 100)) == 3


async def state(database: Database) -> list[dict[str, Any]]:
    """Return the rows, and the seconds until each one's next try."""
    return await rows(database, ROWS)


class TestPublish:
    async def test_marks_rows_whoever_holds_them(self, busy_database: Database) -> None:
        await run(busy_database, "UPDATE outbox SET lease_owner = 'heir' WHERE id = 2")
        async with busy_database.writing() as session:
            await outbox.publish(session, [1, 2])
        sent = [
            (row["published_at"] is not None, row["lease_owner"])
            for row in await state(busy_database)
        ]
        assert sent == [(True, None), (True, None), (False, "me")]

    async def test_leaves_the_moment_of_the_first_time(self, busy_database: Database) -> None:
        moments = []
        for _ in range(2):
            async with busy_database.writing() as session:
                await outbox.publish(session, [1])
            moments.append((await state(busy_database))[0]["published_at"])
        assert moments[0] == moments[1]


class TestRelease:
    async def test_gives_back_only_ones_own_and_uses_no_try(self, busy_database: Database) -> None:
        await run(busy_database, "UPDATE outbox SET lease_owner = 'heir' WHERE id = 2")
        async with busy_database.writing() as session:
            await outbox.publish(session, [3])
            await outbox.release(session, [1, 2, 3], "me")
        found = await state(busy_database)
        assert [row["lease_owner"] for row in found] == [None, "heir", None]
        assert [row["lease_until"] is None for row in found] == [True, False, True]
        assert [row["published_at"] is None for row in found] == [True, True, False]
        assert {row["attempts"] for row in found} == {0}


class TestFail:
    async def test_waits_ever_longer_and_parks_after_ten_tries(
        self, busy_database: Database
    ) -> None:
        assert TRIES == 10
        for attempt in range(TRIES):
            async with busy_database.writing() as session:
                is_last = await outbox.fail(session, 1, "me", f"try {attempt}")
            row = (await state(busy_database))[0]
            wanted = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)
            assert wanted - 2 < row["wait"] <= wanted
            assert (row["attempts"], row["lease_owner"]) == (attempt + 1, None)
            assert row["last_error"] == f"try {attempt}"
            assert is_last == (row["dead_at"] is not None) == (attempt == TRIES - 1)
            await run(busy_database, "UPDATE outbox SET lease_owner = 'me' WHERE id = 1")
        assert [row["attempts"] for row in await state(busy_database)] == [10, 0, 0]

    async def test_counts_nothing_when_another_relay_has_the_row(
        self, busy_database: Database
    ) -> None:
        async with busy_database.writing() as session:
            await outbox.publish(session, [2])
            for row_id, owner in [(1, "frozen"), (2, "me"), (99, "me")]:
                assert not await outbox.fail(session, row_id, owner, "why not")
        found = await state(busy_database)
        assert [row["attempts"] for row in found] == [0, 0, 0]
        assert [row["lease_owner"] for row in found] == ["me", None, "me"]


class TestParked:
    async def test_is_listed_and_gets_its_tries_again(self, busy_database: Database) -> None:
        columns = (OutboxRow.id, OutboxRow.attempts)
        async with busy_database.writing() as session:
            await outbox.release(session, [1, 2, 3], "me")
            await park(session, 2, 1)
            assert [row["id"] for row in await OutboxRow.parked(session, columns)] == [1, 2]
            assert await OutboxRow.retry(session, [1, 3, 99]) == [1]
            (row,) = await OutboxRow.parked(session, columns)
            assert (row["id"], row["attempts"]) == (2, 10)
            assert await OutboxRow.retry(session, None) == [2]
            assert await OutboxRow.retry(session, None) == []
        async with busy_database.writing() as session:
            found = await outbox.claim(session, "you", LEASE, 100)
        assert [(row["id"], row["attempts"]) for row in found] == [(1, 0), (2, 0), (3, 0)]


class TestPrune:
    async def test_deletes_what_was_sent_long_ago_in_portions(
        self, busy_database: Database
    ) -> None:
        await commit_many(busy_database, "topic", 5)
        old = "UPDATE outbox SET published_at = now() - interval '2 hours' WHERE id <= 5"
        await run(busy_database, old)
        await run(busy_database, "UPDATE outbox SET published_at = now() WHERE id = 6")
        gone = []
        for _ in range(3):
            async with busy_database.writing() as session:
                gone.append(await outbox.prune(session, kept=timedelta(hours=1), most=3))
        assert gone == [3, 2, 0]
        assert [row["id"] for row in await state(busy_database)] == [6, 7, 8]
