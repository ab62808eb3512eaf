"""Carry events from the outbox to Kafka: at least once, in order per key, after their commit."""

import asyncio
import secrets
from datetime import timedelta

from aiokafka import AIOKafkaProducer

from kit import kafka, outbox
from kit.db import Database
from kit.kafka import KafkaAway
from kit.log import logger
from kit.patience import Patience, is_outage, pause
from kit.sending import Batch, chains_of
from kit.settings import Settings
from kit.topics import Topics

MOST = 100  # rows of a batch
LEASE = timedelta(seconds=20)  # after which another relay takes over; longer than a batch may take
POLL = 0.2  # seconds between two looks at an empty outbox
NO_TOPIC_PAUSE = timedelta(seconds=15)
END_LIMIT = 2.0  # seconds


class Relay:
    """Take turns with other relays: claim rows, send them without a transaction, mark them."""

    def __init__(self, settings: Settings, database: Database, topics: Topics) -> None:
        self._settings = settings
        self._database = database
        self._topics = topics
        self._owner = secrets.token_hex(8)
        self._producer: AIOKafkaProducer | None = None
        self._claimed: set[int] = set()
        self._sent: list[int] = []  # and not marked yet

    async def run(self, stop: asyncio.Event) -> None:
        """Carry events until told to stop; outages are waited for."""
        patience = Patience("relay", stop)
        try:
            while not stop.is_set():
                async with patience:
                    if not await self.carry():
                        await pause(stop, POLL)
        finally:
            await self._end()

    async def carry(self) -> int:
        """Send one batch; return how many rows were claimed.

        Raises:
            KafkaAway: not everything could be sent; the rest waits, with no try used up.
        """
        await self._mark()
        if self._producer is None:
            await self._topics.ensure()
            self._producer = await kafka.start_producer(self._settings)
        async with self._database.writing() as session:
            rows = await outbox.claim(session, self._owner, LEASE, MOST)
        if not rows:
            return 0
        self._claimed = {row["id"] for row in rows}
        batch = Batch(self._producer, self._sent)
        fresh, suspects = chains_of(rows)
        await batch.send(fresh)
        await self._mark()  # these need not wait for the suspects
        for chain in suspects:  # alone: a refusal strikes all that travel with the culprit
            if not batch.unsure:
                await batch.send([chain])
        if batch.postponed and not await kafka.answers(self._settings):
            batch.postponed.clear()  # while the broker is away, aiokafka knows no topic either
            batch.unsure = "topics unknown"
        await self._settle(batch)
        if batch.unsure:
            await self._disconnect()
            if not batch.failed:
                raise KafkaAway(batch.unsure)
        return len(rows)

    async def _mark(self) -> None:
        """Mark what was sent; it stays noted here until PostgreSQL has it."""
        if self._sent:
            ids = list(self._sent)
            async with self._database.writing() as session:
                await outbox.publish(session, ids)
            self._claimed.difference_update(ids)
            del self._sent[: len(ids)]

    async def _settle(self, batch: Batch) -> None:
        """Mark what was sent, note what failed, and give back what was not reached."""
        await self._mark()
        async with self._database.writing() as session:
            for row_id, why in batch.postponed.items():
                await outbox.put_off(session, row_id, why, NO_TOPIC_PAUSE)
            for row_id, why in batch.failed.items():
                if await outbox.fail(session, row_id, why):
                    logger.error("event parked", outbox_id=row_id, cause=why)
            await outbox.release(session, list(self._claimed), self._owner)
        self._claimed.clear()

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await kafka.abort(producer)

    async def _end(self) -> None:
        """Leave nothing behind that another relay would have to wait for."""
        await self._disconnect()
        try:
            async with asyncio.timeout(END_LIMIT):
                await self._mark()
                async with self._database.writing() as session:
                    await outbox.release(session, list(self._claimed), self._owner)
        except Exception as error:
            if not is_outage(error):
                raise
            logger.warning("leases stay until they expire", cause=type(error).__name__)
