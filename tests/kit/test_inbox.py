"""The inbox: each event id once per consumer, and a queue of what could not be handled."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

from kit import inbox
from kit.db import Database
from kit.inbox import InboxRow
from kit.parking import TRIES
from tests.shop.races import until_one_waits
from tests.support.shops import rows, run, value

ME, OTHER = "me", "other"


def event(key: str = "a", **changes: Any) -> dict[str, Any]:
    """Return an event with an id of its own."""
    row = {
        "event_id": uuid.uuid4(),
        "topic": "topic",
        "key": key,
        "event_type": "thing.happened",
        "payload": b"{}",
        "request_id": None,
    }
    return {**row, **changes}


async def admit(database: Database, told: dict[str, Any], consumer: str = ME) -> bool:
    """Note an event in a transaction of its own."""
    async with database.writing() as session:
        return await inbox.admit(session, consumer, told)


async def keep(database: Database, told: dict[str, Any]) -> None:
    """Keep a failed event whose next try is due at once."""
    async with database.writing() as session:
        await inbox.keep(session, ME, told, partial(InboxRow.fail, reason="why"))
    await run(database, "UPDATE inbox SET next_at = now() - interval '1 second'")


async def due(database: Database) -> Any:
    """Return the id of the event that is due."""
    async with database.writing() as session:
        row = await inbox.due(session, ME)
        return row and row["event_id"]


class TestAdmit:
    async def test_is_true_once_per_consumer(self, busy_database: Database) -> None:
        told = event()
        assert await admit(busy_database, told)
        assert not await admit(busy_database, told)
        assert await admit(busy_database, told, OTHER)
        assert not await admit(busy_database, {**told, "key": "b"})  # the id is what counts

    async def test_forgets_the_payload_of_what_is_handled_now(
        self, busy_database: Database
    ) -> None:
        await admit(busy_database, event())
        (row,) = await rows(busy_database, "SELECT payload, handled_at FROM inbox")
        assert row["payload"] is None
        assert row["handled_at"] is not None

    async def test_keeps_what_is_behind_another_one_of_its_key(
        self, busy_database: Database
    ) -> None:
        await keep(busy_database, event("a"))
        assert not await admit(busy_database, event("a", payload=b"[2]"))
        assert await admit(busy_database, event("b"))
        assert await admit(busy_database, event("a", topic="other topic"))
        assert await admit(busy_database, event("a"), OTHER)
        waiting = "SELECT payload FROM inbox WHERE handled_at IS NULL ORDER BY id"
        assert [row["payload"] for row in await rows(busy_database, waiting)] == [b"{}", b"[2]"]

    async def test_waits_for_who_handles_the_same_event(
        self, busy_database: Database, other_database: Database
    ) -> None:
        told = event()
        async with busy_database.writing() as session:
            assert await inbox.admit(session, ME, told)
            second = asyncio.create_task(admit(other_database, told))
            await until_one_waits(busy_database)
        assert not await second
        told = event()
        async with busy_database.writes() as session:
            await session.begin()
            assert await inbox.admit(session, ME, told)
            second = asyncio.create_task(admit(other_database, told))
            await until_one_waits(busy_database)
            await session.rollback()  # the first one failed, so it is the second one's turn
        assert await second


class TestDue:
    async def test_is_the_oldest_whose_time_has_come(self, busy_database: Database) -> None:
        events = [event("a"), event("a"), event("b")]
        for told in events:
            await keep(busy_database, told)
        assert await due(busy_database) == events[0]["event_id"]
        later = "UPDATE inbox SET next_at = now() + interval '1 hour' WHERE id = 1"
        await run(busy_database, later)  # whose key has to wait with it
        assert await due(busy_database) == events[2]["event_id"]
        async with busy_database.writing() as session:
            await inbox.finish(session, 3)
            assert await inbox.due(session, ME) is None
            assert await inbox.due(session, OTHER) is None

    async def test_passes_what_is_parked(self, busy_database: Database) -> None:
        first, second = event("a"), event("a")
        await keep(busy_database, first)
        await keep(busy_database, second)
        for attempt in range(2, TRIES + 1):
            async with busy_database.writing() as session:
                assert await InboxRow.fail(session, 1, "why") == (attempt == TRIES)
        assert await due(busy_database) == second["event_id"]

    async def test_is_given_to_one_at_a_time(
        self, busy_database: Database, other_database: Database
    ) -> None:
        first, second = event("a"), event("b")
        await keep(busy_database, first)
        await keep(busy_database, second)
        async with busy_database.writing() as session:
            row = await inbox.due(session, ME)
            assert row is not None
            assert row["event_id"] == first["event_id"]
            assert await due(other_database) == second["event_id"]

    async def test_is_kept_once(self, busy_database: Database) -> None:
        told = event()
        await keep(busy_database, told)
        await keep(busy_database, told)  # by another consumer of the group
        assert await value(busy_database, "SELECT sum(attempts) FROM inbox") == 1


class TestPrune:
    async def test_forgets_what_was_handled_long_ago_in_portions(
        self, busy_database: Database
    ) -> None:
        for _ in range(5):
            await admit(busy_database, event())
        await keep(busy_database, event())
        await run(
            busy_database,
            "UPDATE inbox SET handled_at = handled_at - interval '8 days' WHERE id <= 4",
        )
        gone = []
        for _ in range(3):
            async with busy_database.writing() as session:
                gone.append(await inbox.prune(session, kept=timedelta(days=7), most=3))
        assert gone == [3, 1, 0]
        assert [row["id"] for row in await rows(busy_database, "SELECT id FROM inbox")] == [5, 6]
