"""Send events through one producer and tell what became of each."""

import asyncio
import re
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.structs import RecordMetadata
from sqlalchemy import RowMapping

from kit import metrics, tracing

SENDING = 4.0  # seconds of a batch in which sends are begun
CONFIRMING = 5.5  # seconds after that in which they must be confirmed
KNOWING = 2.0  # seconds to find out, or to make, where a topic lies
TOPIC = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._-]{1,249}")
LONGEST_REASON = 500

# the broker will never take this row; ValueError and the like: aiokafka cannot even send it
ROW_FAULTS = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidTimestampError,
    kafka_errors.CorruptRecordException,
    *(ValueError, TypeError, AssertionError),
)
# the broker does not take this producer any more
PRODUCER_FAULTS = (
    kafka_errors.OutOfOrderSequenceNumber,
    kafka_errors.InvalidProducerEpoch,
    kafka_errors.ProducerFenced,
)

SENT = metrics.counter("shop_api_events_sent", "Events that Kafka has confirmed.", topic=())

Chain = Sequence[RowMapping]  # rows of one key, in the order in which they must arrive


class Batch:
    """Send claimed rows and remember what became of each."""

    def __init__(self, producer: AIOKafkaProducer, sent: list[int]) -> None:
        """sent: where the ids of confirmed rows are added."""
        self._producer = producer
        self._sent = sent
        self._last_start = time.monotonic() + SENDING
        self.failed: dict[int, str] = {}  # rows
        self.troubled: dict[str, str] = {}  # topics
        self.unsure = ""  # why the producer must not be used again

    async def send(self, chains: Sequence[Chain]) -> None:
        """Send chains side by side, each row of one after the one before it was confirmed."""
        tasks = {asyncio.ensure_future(self._send_chain(chain)): chain for chain in chains}
        if not tasks:
            return
        try:
            limit = self._last_start + CONFIRMING - time.monotonic()
            _, unfinished = await asyncio.wait(tasks, timeout=limit)
            for task in unfinished:
                self.unsure = self.troubled[tasks[task][0]["topic"]] = "not confirmed in time"
        finally:
            for task in tasks:
                task.cancel()

    async def _send_chain(self, chain: Chain) -> None:
        for row in chain:
            if time.monotonic() > self._last_start or self.unsure:
                return
            if row["topic"] in self.troubled:
                return
            enqueued = False
            try:
                confirmation = await self._enqueue(row)
                enqueued = True
                await confirmation
            except Exception as error:
                self._note(row, error, enqueued=enqueued)
                return
            self._sent.append(row["id"])
            SENT.of(row["topic"]).inc()

    def _note(self, row: RowMapping, error: Exception, *, enqueued: bool) -> None:
        """Find out whose fault it is: the row's, its topic's, or that of the way there."""
        mine = isinstance(error, ROW_FAULTS)
        if mine:
            self.failed[row["id"]] = reason(error)
        elif not isinstance(error, PRODUCER_FAULTS):
            self.troubled[row["topic"]] = reason(error)
        if enqueued or not (mine or row["topic"] in self.troubled):
            self.unsure = reason(error)  # what a broker refuses leaves a hole in the numbers

    async def _enqueue(self, row: RowMapping) -> asyncio.Future[RecordMetadata]:
        if not TOPIC.fullmatch(row["topic"]):
            raise kafka_errors.InvalidTopicError(row["topic"])
        async with asyncio.timeout(KNOWING):
            await self._producer.partitions_for(row["topic"])
        request_id, parent = row["request_id"], row["traceparent"]
        headers = [
            ("event_id", str(row["event_id"]).encode()),
            ("event_type", row["event_type"].encode()),
            *([("request_id", request_id.encode())] if request_id else []),
            *([(tracing.PARENT, parent.encode())] if parent else []),
        ]
        confirmation: asyncio.Future[RecordMetadata] = await self._producer.send(
            row["topic"],
            row["payload"],
            key=row["key"].encode(),
            headers=headers,
            timestamp_ms=int(row["created_at"].timestamp() * 1000),
        )
        return confirmation


def reason(error: Exception) -> str:
    """Return one line for the log and for `last_error`."""
    text = f"{type(error).__name__}: {error}".partition("\n")[0].replace("\x00", "\ufffd")
    return text.encode("utf-8", "replace").decode()[:LONGEST_REASON]


def chains_of(rows: Sequence[RowMapping]) -> tuple[list[Chain], list[Chain]]:
    """Group rows by key; the chains that begin with a row which failed before come second."""
    by_key: dict[tuple[str, str], list[RowMapping]] = {}
    for row in rows:
        by_key.setdefault((row["topic"], row["key"]), []).append(row)
    fresh: list[Chain] = [chain for chain in by_key.values() if not chain[0]["attempts"]]
    suspects: list[Chain] = [chain for chain in by_key.values() if chain[0]["attempts"]]
    return fresh, suspects
