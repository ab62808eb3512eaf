"""Carry events from the outbox to Kafka: at least once, in order per key, after their commit."""

import asyncio
import secrets
import time
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
FIRST_REST, LONGEST_REST = 1.0, 15.0  # seconds
END_LIMIT = 2.0  # seconds


class Rests:
    """Leave topics alone that the broker lacks or cannot serve, so that the others go on."""

    def __init__(self) -> None:
        self._ends: dict[str, tuple[float, float]] = {}  # topic -> its end and its length, seconds

    def begin(self, topic: str) -> float:
        """Leave a topic alone, longer each time; return for how many seconds."""
        _, before = self._ends.get(topic, (0.0, FIRST_REST / 2))
        length = min(before * 2, LONGEST_REST)
        self._ends[topic] = (time.monotonic() + length, length)
        return length

    def now(self) -> list[str]:
        """Return the topics to leave alone at this moment."""
        now = time.monotonic()
        for topic in [topic for topic, (end, _) in self._ends.items() if end < now - LONGEST_REST]:
            del self._ends[topic]  # it has been well since
        return [topic for topic, (end, _) in self._ends.items() if end > now]


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
        self._rests = Rests()

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
        await self._release()
        if self._producer is None:
            await self._topics.ensure()
            self._producer = await kafka.start_producer(self._settings)
        async with self._database.writing() as session:
            resting = self._rests.now()
            rows = await outbox.claim(session, self._owner, LEASE, MOST, but=resting)
        if not rows:
            return 0
        self._claimed = {row["id"] for row in rows}
        batch = Batch(self._producer, self._sent)
        fresh, suspects = chains_of(rows)
        await batch.send(fresh)
        if not batch.unsure:
            await self._mark()  # these need not wait for the suspects
        for chain in suspects:  # alone: a refusal strikes all that travel with the culprit
            if not batch.unsure:
                await batch.send([chain])
        if batch.unsure:  # before anybody else may send what it still holds
            await self._disconnect()
        await self._settle(batch)
        return len(rows)

    async def _settle(self, batch: Batch) -> None:
        """Note what became of each row, and give back what was not sent.

        Raises:
            KafkaAway: the broker is to blame, and not a row or a topic.
        """
        await self._mark()
        async with self._database.writing() as session:
            for row_id, why in batch.failed.items():
                if await outbox.fail(session, row_id, self._owner, why):
                    logger.error("event parked", outbox_id=row_id, cause=why)
        await self._release()
        away = bool(batch.troubled) and not await kafka.answers(self._settings)
        if away or (batch.unsure and not batch.failed and not batch.troubled):
            raise KafkaAway(batch.unsure or "topics unknown")
        for topic, why in batch.troubled.items():
            logger.warning("topic rests", topic=topic, seconds=self._rests.begin(topic), cause=why)

    async def _release(self) -> None:
        """Give back what was claimed and not sent."""
        if self._claimed:
            async with self._database.writing() as session:
                await outbox.release(session, list(self._claimed), self._owner)
            self._claimed.clear()

    async def _mark(self) -> None:
        """Mark what was sent; it stays noted here until PostgreSQL has it."""
        if self._sent:
            ids = list(self._sent)
            async with self._database.writing() as session:
                await outbox.publish(session, ids)
            self._claimed.difference_update(ids)
            del self._sent[: len(ids)]

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
                await self._release()
        except Exception as error:
            if not is_outage(error):
                raise
            logger.warning("leases stay until they expire", cause=type(error).__name__)
