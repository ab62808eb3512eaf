"""The outbox: a row exists if and only if its transaction commits, ids of a key follow commits."""

import asyncio
import uuid
from contextlib import suppress

import orjson
import pytest

from kit import outbox
from kit.db import Database
from kit.log import speaking_for
from tests.kit.events import PATIENCE, commit, commit_many, park, record
from tests.kit.exchange import ChangedMind, Writers
from tests.shop.races import until_one_waits
from tests.support.shops import rows, value

COUNT = "SELECT count(*) FROM outbox"
BY_ID = "SELECT key, payload FROM outbox ORDER BY id"


async def numbers(database: Database, key: str) -> list[int]:
    """Return the numbers of the events of a key in the order of their ids."""
    found = await rows(database, BY_ID)
    return [orjson.loads(row["payload"])["number"] for row in found if row["key"] == key]


class TestRecord:
    async def test_is_seen_when_the_transaction_has_committed(
        self, busy_database: Database
    ) -> None:
        async with busy_database.writing() as session:
            await record(session, "topic", "a", 1)
            assert await value(busy_database, COUNT) == 0
        assert await value(busy_database, COUNT) == 1

    async def test_leaves_nothing_when_the_transaction_is_taken_back(
        self, busy_database: Database
    ) -> None:
        with suppress(ChangedMind):
            async with busy_database.writing() as session:
                await record(session, "topic", "a", 1)
                raise ChangedMind
        assert await value(busy_database, COUNT) == 0

    async def test_notes_who_asked_and_names_the_event(self, house_database: Database) -> None:
        with speaking_for("request-1"):
            async with house_database.writing() as session:
                await outbox.record(session, "topic", 17, "thing.happened", {"naïve": "\x00ж"})
        await commit(house_database, "topic", "b", 2)
        first, second = await rows(house_database, "SELECT * FROM outbox ORDER BY id")
        assert (first["topic"], first["key"], first["event_type"]) == (
            "topic",
            "17",
            "thing.happened",
        )
        assert orjson.loads(first["payload"]) == {"naïve": "\x00ж"}
        assert (first["request_id"], second["request_id"]) == ("request-1", None)
        assert isinstance(first["event_id"], uuid.UUID)
        assert first["event_id"] != second["event_id"]

    @pytest.mark.parametrize("is_kept", [True, False])
    async def test_waits_for_another_transaction_of_its_key(
        self, busy_database: Database, other_database: Database, is_kept: bool
    ) -> None:
        async with busy_database.writes() as first:
            await first.begin()
            await record(first, "topic", "a", 1)
            second = asyncio.create_task(commit(other_database, "topic", "a", 2))
            await until_one_waits(busy_database)
            await commit(other_database, "topic", "b", 3)  # other keys wait for nobody
            await commit(other_database, "other topic", "a", 4)
            assert not second.done()
            await (first.commit() if is_kept else first.rollback())
        await asyncio.wait_for(second, PATIENCE)
        assert await numbers(busy_database, "a") == ([1, 4, 2] if is_kept else [4, 2])

    async def test_gives_ids_of_a_key_in_the_order_of_its_commits(
        self, busy_database: Database
    ) -> None:
        committed = await Writers(busy_database, "topic").write(300, keys=5)
        assert sum(map(len, committed.values())) == 300 - len(range(5, 300, 11))
        for key, in_order in committed.items():
            assert await numbers(busy_database, key) == in_order


class TestWaiting:
    async def test_counts_what_is_neither_sent_nor_parked(self, busy_database: Database) -> None:
        async with busy_database.writing() as session:
            assert await outbox.waiting(session) == (0, None)
        await commit_many(busy_database, "topic", 5)
        async with busy_database.writing() as session:
            ids = [row["id"] for row in await rows(busy_database, "SELECT id FROM outbox")]
            await outbox.publish(session, ids[:2])
            await park(session, ids[2])
            number, age = await outbox.waiting(session)
        assert number == 2
        assert age is not None
        assert 0 < age.total_seconds() < 60
