"""What runs beside the web: it works while anything works, and leaves in less than ten seconds."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from embedded.kafka import Broker
from kit.consumer import Handlers
from kit.db import Database
from kit.settings import Settings
from kit.worker import prune, working
from tests.kit.conftest import Lines
from tests.kit.doors import dead_port
from tests.kit.events import (
    STOP_LIMIT,
    TYPE,
    commit,
    commit_many,
    drained,
    leased,
    tell,
    until,
)
from tests.kit.gates import gated_database, silent_server
from tests.kit.hearing import Ear
from tests.support.shops import run, value

OLD_AND_YOUNG = """
INSERT INTO outbox (topic, key, event_type, payload, published_at)
SELECT 'topic', 'a', 'x', '', now() - CASE WHEN n <= 25 THEN interval '2 hours' END
FROM generate_series(1, 30) AS n;
"""
HEARD = """
INSERT INTO inbox (consumer, event_id, topic, key, event_type, handled_at)
SELECT 'me', gen_random_uuid(), 'topic', 'a', 'x',
    now() - CASE WHEN n <= 25 THEN interval '16 days' WHEN n <= 28 THEN interval '14 days' END
FROM generate_series(1, 30) AS n
"""
KEYS = """
INSERT INTO idempotency_keys (operation, user_id, key, fingerprint, created_at)
SELECT 'x', 0, n::text, '', now() - CASE WHEN n <= 25 THEN interval '25 hours' ELSE '0' END
FROM generate_series(1, 30) AS n
"""
TABLES = ("outbox", "inbox", "idempotency_keys")


@pytest.fixture
async def full_database(busy_database: Database) -> Database:
    """Fill three tables with 25 old rows and 5 young ones each."""
    for statement in (OLD_AND_YOUNG, HEARD, KEYS):
        await run(busy_database, statement)
    return busy_database


async def counts(database: Database) -> list[int]:
    """Count the rows of the three tables."""
    return [await value(database, f"SELECT count(*) FROM {table}") for table in TABLES]


class TestPrune:
    async def test_deletes_what_is_old_portion_by_portion(
        self, full_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.worker.PRUNED_AT_ONCE", 10)
        assert await prune(full_database) == dict.fromkeys(TABLES, 25)
        assert await counts(full_database) == [5, 5, 5]
        assert await prune(full_database) == dict.fromkeys(TABLES, 0)

    async def test_is_done_by_a_worker_again_and_again(
        self,
        full_database: Database,
        without_kafka: Settings,
        monkeypatch: pytest.MonkeyPatch,
        log_lines: Lines,
    ) -> None:
        monkeypatch.setattr("kit.worker.PRUNE_EVERY", 0.1)
        async with working(without_kafka, [], nothing):
            await until(lambda: is_count(full_database, [5, 5, 5]))
            await run(full_database, HEARD)
            await until(lambda: is_count(full_database, [5, 10, 5]))
        lines = [line for line in log_lines() if line["event"] == "pruned"]
        assert [line["inbox"] for line in lines] == [25, 25]


async def is_count(database: Database, wanted: list[int]) -> bool:
    """Tell whether the three tables have so many rows."""
    return await counts(database) == wanted


def nothing(*_: Any) -> Handlers:
    """Hear of nothing."""
    return {}


def hears(ear: Ear) -> Callable[..., Handlers]:
    """Hear what an ear hears; all names of one topic."""
    return lambda *_: {(ear.topic, TYPE): ear.handle}


@pytest.mark.usefixtures("quick_groups")
class TestWorking:
    @pytest.mark.kafka
    async def test_carries_hears_and_leaves(
        self, busy_settings: Settings, busy_database: Database
    ) -> None:
        ear = await Ear(busy_settings, busy_database).prepare()
        before = asyncio.all_tasks()
        async with working(busy_settings, [ear.topic], hears(ear)):
            await commit_many(busy_database, ear.topic, 100)
            await ear.has(*range(100))
            started = time.monotonic()
        seconds = time.monotonic() - started
        tell("a worker left in seconds", seconds)
        assert seconds <= STOP_LIMIT
        assert asyncio.all_tasks() == before

    async def test_leaves_soon_when_nothing_was_ever_there(
        self, busy_settings: Settings, busy_database: Database, log_lines: Lines
    ) -> None:
        ear = Ear(busy_settings, busy_database)
        nowhere = f"postgresql://postgres@127.0.0.1:{dead_port()}/none"
        async with silent_server() as address:
            dead = replace(busy_settings, kafka_servers=address, database_url=nowhere)
            async with working(dead, ["topic"], hears(ear)):
                await until(lambda: waits(log_lines))
                started = time.monotonic()
        assert time.monotonic() - started <= STOP_LIMIT
        assert [line for line in log_lines() if line["level"] == "error"] == []

    @pytest.mark.parametrize(
        "away",
        [
            "broker gone",
            "PostgreSQL gone",
            "broker and PostgreSQL frozen",
        ],
    )
    async def test_leaves_soon_when_things_went_away(
        self, trouble: Settings, busy_database: Database, broker: Broker, away: str
    ) -> None:
        ear = await Ear(trouble, busy_database).prepare()
        before = asyncio.all_tasks()
        async with gated_database(trouble) as (through, gate):
            async with working(through, [ear.topic], hears(ear)):
                await commit(busy_database, ear.topic, "a", 1)
                await ear.has(1)
                await drained(busy_database)
                broker.slow_down(60_000 if "frozen" in away else 300)
                await commit_many(busy_database, ear.topic, 300, first=2)
                await until(lambda: leased(busy_database))
                if away == "broker gone":
                    broker.take_down()
                if away == "PostgreSQL gone":
                    await gate.shut()
                if "PostgreSQL frozen" in away:
                    gate.freeze()
                await asyncio.sleep(0.5)
                started = time.monotonic()
            seconds = time.monotonic() - started
        tell(f"a worker left, {away}, in seconds", seconds)
        assert seconds <= STOP_LIMIT
        await until(lambda: is_quiet(before), 1)
        if "PostgreSQL" not in away:
            assert await leased(busy_database) == 0


async def is_quiet(before: set[asyncio.Task[None]]) -> bool:
    """Tell whether no task has been added."""
    return not asyncio.all_tasks() - before


async def waits(lines: Lines) -> bool:
    """Tell whether housekeeping has said that it waits."""
    return any(line["event"] == "waiting" for line in lines())
