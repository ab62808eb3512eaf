"""Ways to carry events as naive code has them, and ours behind the same two methods."""

import asyncio
from typing import Protocol

import orjson
from aiokafka import AIOKafkaProducer
from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from kit.outbox import OutboxRow
from kit.settings import Settings
from tests.kit import events
from tests.kit.events import PATIENCE, TYPE

COLUMNS = (OutboxRow.id, OutboxRow.topic, OutboxRow.key, OutboxRow.payload)


class Scheme(Protocol):
    """Record events in transactions and carry them to Kafka."""

    def __init__(self, settings: Settings, database: Database, producer: AIOKafkaProducer) -> None:
        """producer: for who has none of its own."""

    async def record(self, session: AsyncSession, topic: str, key: str, number: int) -> None:
        """Note that something happens in a transaction."""

    async def carry(self) -> int:
        """Carry what waits; return how many events that were."""

    async def end(self) -> None:
        """Leave."""


class Ours:
    """The outbox and the relay of the kit."""

    def __init__(self, settings: Settings, database: Database, _: AIOKafkaProducer) -> None:
        self._relay = events.relay_of(settings, database)

    async def record(self, session: AsyncSession, topic: str, key: str, number: int) -> None:
        await events.record(session, topic, key, number)

    async def carry(self) -> int:
        return await self._relay.carry()

    async def end(self) -> None:
        done = asyncio.Event()
        done.set()
        await self._relay.run(done)


class Naive:
    """A table, and nothing that guards it."""

    def __init__(self, _: Settings, database: Database, producer: AIOKafkaProducer) -> None:
        self._database = database
        self._producer = producer

    async def record(self, session: AsyncSession, topic: str, key: str, number: int) -> None:
        payload = orjson.dumps({"number": number})
        row = {"topic": topic, "key": key, "event_type": TYPE, "payload": payload}
        await session.execute(insert(OutboxRow).values(row))

    async def carry(self) -> int:
        async with self._database.writing() as session:
            statement = select(*COLUMNS).where(OutboxRow.published_at.is_(None))
            found = (await session.execute(statement.order_by(OutboxRow.id))).mappings().all()
            return await self._send(session, *found)

    async def _send(self, session: AsyncSession, *found: RowMapping) -> int:
        for row in found:
            await self._publish(row["topic"], row["key"], row["payload"])
            mine = OutboxRow.id == row["id"]
            await session.execute(update(OutboxRow).where(mine).values(published_at=func.now()))
        return len(found)

    async def _publish(self, topic: str, key: str, payload: bytes) -> None:
        sending = self._producer.send_and_wait(topic, payload, key=key.encode())
        await asyncio.wait_for(sending, PATIENCE)

    async def end(self) -> None:
        """Leave."""


class WithCursor(Naive):
    """Remember the last id that was seen, and look only behind it."""

    _last = 0

    async def carry(self) -> int:
        async with self._database.reading() as session:
            statement = select(*COLUMNS).where(OutboxRow.id > self._last)
            found = (await session.execute(statement.order_by(OutboxRow.id))).mappings().all()
        for row in found:
            await self._publish(row["topic"], row["key"], row["payload"])
            self._last = row["id"]
        return len(found)


class BeforeTheCommit(Naive):
    """Publish as soon as something happens."""

    async def record(self, session: AsyncSession, topic: str, key: str, number: int) -> None:
        await self._publish(topic, key, orjson.dumps({"number": number}))

    async def carry(self) -> int:
        return 0


class WithSkipLocked(Naive):
    """Lock a row and pass what others have locked, whatever its key."""

    async def carry(self) -> int:
        async with self._database.writing() as session:
            statement = select(*COLUMNS).where(OutboxRow.published_at.is_(None))
            oldest = statement.order_by(OutboxRow.id).limit(1).with_for_update(skip_locked=True)
            found = (await session.execute(oldest)).mappings().all()
            return await self._send(session, *found)
