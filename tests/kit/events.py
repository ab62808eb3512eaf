"""What the tests of events share: rows in the outbox, loops in the background, bounded waits."""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kit import outbox
from kit.db import Database
from kit.outbox import OutboxRow
from kit.parking import TRIES
from kit.relay import Relay
from kit.settings import Settings
from kit.topics import Topics
from tests.support.shops import run, value

TYPE = "thing.happened"
only_real = pytest.mark.skipif(
    "TEST_KAFKA" not in os.environ, reason="librdkafka's imitation of a broker does not do that"
)
STOP_LIMIT = 10.0  # seconds, by the promise
PATIENCE = 15.0  # seconds

MANY = """
INSERT INTO outbox (topic, key, event_type, payload)
SELECT CAST(:topic AS text), (number % :keys)::text, 'thing.happened',
    convert_to('{"number":' || number || '}', 'UTF8')
FROM generate_series(CAST(:first AS int), :last) AS number ORDER BY number
"""
Committed = Mapping[str, Sequence[int]]  # key -> numbers of events, in the order of their commits


class Loop(Protocol):
    """What works in the background: a relay or a consumer."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""


def own_name() -> str:
    """Return a name for a topic or a group that no other test uses."""
    return f"t-{uuid.uuid4().hex}"


def tell(what: str, figures: object) -> None:
    """Print figures; `pytest -rP` shows them."""
    sys.stdout.write(f"{what}: {figures}\n")


def relay_of(settings: Settings, database: Database) -> Relay:
    """Build a relay that makes no topics."""
    return Relay(settings, database, Topics(settings, []))


async def record(session: AsyncSession, topic: str, key: str, number: int, **more: Any) -> None:
    """Record an event that can be told apart by its number."""
    await outbox.record(session, topic, key, TYPE, {"number": number, **more})


async def commit(database: Database, topic: str, key: str, number: int, **more: Any) -> None:
    """Record an event in a transaction of its own."""
    async with database.writing() as session:
        await record(session, topic, key, number, **more)


async def commit_many(
    database: Database, topic: str, count: int, keys: int = 50, first: int = 0
) -> Committed:
    """Insert many events at once, their keys taking turns."""
    last = first + count - 1
    await run(database, MANY, topic=topic, keys=keys, first=first, last=last)
    numbers = range(first, last + 1)
    return {
        str(key): [number for number in numbers if number % keys == key] for key in range(keys)
    }


@asynccontextmanager
async def publishing(servers: str) -> AsyncIterator[AIOKafkaProducer]:
    """Keep a plain producer that is none of ours."""
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await asyncio.wait_for(producer.start(), PATIENCE)
    try:
        yield producer
    finally:
        await asyncio.wait_for(producer.stop(), PATIENCE)


@asynccontextmanager
async def running(*loops: Loop) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run loops until the block is left; each must end soon then, and well."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield tasks
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_LIMIT)
        assert not late
        for task in tasks:
            assert task.cancelled() or task.exception() is None, task


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> float:
    """Wait for a condition and return how many seconds that took.

    Raises:
        TimeoutError: it does not come true within the bound.
    """
    started = time.monotonic()
    while not await condition():
        if time.monotonic() > started + seconds:
            raise TimeoutError
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def drained(database: Database, seconds: float = PATIENCE) -> float:
    """Wait until nothing waits in the outbox; return how many seconds that took."""

    async def is_empty() -> bool:
        try:
            async with database.reading() as session:
                return (await outbox.waiting(session))[0] == 0
        except DBAPIError:  # the server was cut off, or is too busy at this moment
            return False

    return await until(is_empty, seconds)


async def park(session: AsyncSession, *row_ids: int) -> None:
    """Let rows of the outbox use up all their tries."""
    for row_id in row_ids * TRIES:
        await OutboxRow.fail(session, row_id, "poison")


async def attempts(database: Database) -> int:
    """Return how many tries all events together have used up."""
    return int(await value(database, "SELECT coalesce(sum(attempts), 0) FROM outbox"))


async def leased(database: Database) -> int:
    """Count the rows that some relay holds."""
    return int(await value(database, "SELECT count(*) FROM outbox WHERE lease_owner IS NOT NULL"))
