"""Hear events from Kafka: each is handled once per event id, whatever comes twice or fails."""

import asyncio
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit import inbox, kafka, tracing
from kit.db import Database
from kit.fates import NEEDS, fate, tally
from kit.kafka import KafkaAway
from kit.log import logger, speaking_for
from kit.messages import facts
from kit.patience import Patience, is_outage
from kit.pulse import beat
from kit.sending import reason
from kit.settings import Settings
from kit.topics import Topics

LISTEN = 500  # milliseconds
MOST = 100  # messages of a round


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened, as its publisher tells it."""

    event_id: uuid.UUID
    topic: str
    key: str
    event_type: str
    payload: Any


Handler = Callable[[AsyncSession, Event], Awaitable[None]]
Handlers = Mapping[tuple[str, str], Handler]  # topic and type of event -> handler


class Consumer:
    """Listen as one of a group and hand each event to its handler, in one transaction with it."""

    def __init__(
        self, settings: Settings, database: Database, topics: Topics, name: str, handlers: Handlers
    ) -> None:
        """name: of the group, and of what it remembers in the inbox."""
        self._settings = settings
        self._database = database
        self._topics = topics
        self._name = name
        self._handlers = handlers
        self._consumer: AIOKafkaConsumer | None = None
        self._heard: deque[ConsumerRecord[Any, Any]] = deque()
        self._done: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop; outages are waited for."""
        patience = Patience("consumer", stop)
        try:
            while not stop.is_set():
                async with patience:
                    await self.listen()
        finally:
            if self._consumer is not None:
                await kafka.leave(self._consumer)

    async def listen(self) -> None:
        """Handle what has arrived and what is due for another try.

        Raises:
            KafkaAway: no broker answers; or whatever PostgreSQL raises when it is away.
        """
        if self._consumer is None:
            await self._topics.ensure()
            wanted = sorted({topic for topic, _ in self._handlers})
            self._consumer = await kafka.start_consumer(self._settings, self._name, wanted)
        if not self._heard:
            self._heard.extend(await self._arrivals(self._consumer))
        while self._heard:  # nothing is dropped when a round breaks off
            beat()
            record = self._heard[0]
            await self._hear(record)
            self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1
            self._heard.popleft()
        await self._commit(self._consumer)
        while await self._try_again():
            beat()

    async def _arrivals(self, consumer: AIOKafkaConsumer) -> list[ConsumerRecord[Any, Any]]:
        """Return what arrives within a moment; a consumer that fails once fails for ever."""
        try:
            found = await consumer.getmany(timeout_ms=LISTEN, max_records=MOST)
        except Exception as error:
            self._consumer = None
            await kafka.leave(consumer)
            raise KafkaAway(reason(error)) from error
        return [record for records in found.values() for record in records]

    async def _hear(self, record: ConsumerRecord[Any, Any]) -> None:
        event = facts(record)
        if (record.topic, event["event_type"]) not in self._handlers:
            return
        try:
            async with self._database.writing() as session:
                is_due = await inbox.admit(session, self._name, event)
                if is_due:
                    await self._handle(session, event)
        except Exception as error:
            if await self._is_outage(error):
                raise
            logger.warning("event failed", event_id=str(event["event_id"]), cause=reason(error))
            async with self._database.writing() as session:
                await inbox.keep(session, self._name, event, partial(fate, error))
            tally(event, error)
        else:
            if is_due:
                tally(event)

    async def _handle(self, session: AsyncSession, event: Mapping[Any, Any]) -> None:
        names = ("event_id", "topic", "key", "event_type")
        name, parent = f"handle {event['event_type']}", event["traceparent"]
        with speaking_for(event["request_id"]), tracing.continued(name, parent):
            payload = orjson.loads(event["payload"])
            told = Event(**{name: event[name] for name in names}, payload=payload)
            await self._handlers[told.topic, told.event_type](session, told)

    async def _try_again(self) -> bool:
        """Handle one event that failed before; tell whether to go on with the next one."""
        row = None
        try:
            async with self._database.writing() as session:
                row = await inbox.due(session, self._name)
                if row is None:
                    return False
                await self._handle(session, row)
                await inbox.finish(session, row["id"])
            tally(row)
        except Exception as error:
            if row is None or await self._is_outage(error):
                raise
            async with self._database.writing() as session:
                parked = await fate(error, session, row["id"])
            tally(row, error, parked=parked)
            if isinstance(error, NEEDS):
                return False  # it is the same for the others, so they wait for the next round
            if parked:
                logger.error("event parked", inbox_id=row["id"], cause=reason(error))
        return True

    async def _is_outage(self, error: Exception) -> bool:
        """Tell whether PostgreSQL is away; whatever else a handler meets is its own affair."""
        if not is_outage(error):
            return False
        try:
            async with self._database.reading() as session:
                await session.execute(text("SELECT 1"))
        except Exception as second:
            return is_outage(second)
        return False

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Tell the broker how far we are; when it does not hear, what comes twice is known."""
        if not self._done:
            return
        ours = consumer.assignment()  # what was taken from us another one commits
        done = {partition: offset for partition, offset in self._done.items() if partition in ours}
        try:
            async with asyncio.timeout(kafka.COMMIT_LIMIT):
                if done:
                    await consumer.commit(done)
        except (KafkaError, TimeoutError) as error:
            logger.info("offsets not committed", cause=type(error).__name__)
        self._done.clear()
