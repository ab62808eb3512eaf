"""Send events through one producer and tell what became of each."""

import asyncio
import re
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.structs import RecordMetadata
from sqlalchemy import RowMapping

SENDING = 4.0  # seconds of a batch in which sends are begun
CONFIRMING = 5.5  # seconds after that in which they must be confirmed
TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")

# the broker has no quarrel with the row, but with the topic
TOPIC_FAULTS = (
    kafka_errors.UnknownTopicOrPartitionError,
    kafka_errors.TopicAuthorizationFailedError,
)
# answers of a broker that are about the producer or about the broker itself
OTHER_FAULTS = (
    kafka_errors.UnknownError,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.OutOfOrderSequenceNumber,
    kafka_errors.InvalidProducerEpoch,
    kafka_errors.ProducerFenced,
)

Chain = Sequence[RowMapping]  # rows of one key, in the order in which they must arrive


class Batch:
    """Send claimed rows and remember what became of each."""

    def __init__(self, producer: AIOKafkaProducer, sent: list[int]) -> None:
        """sent: where the ids of confirmed rows are added."""
        self._producer = producer
        self._sent = sent
        self._last_start = time.monotonic() + SENDING
        self.postponed: dict[int, str] = {}
        self.failed: dict[int, str] = {}
        self.unsure = ""  # why the producer must not be used again

    async def send(self, chains: Sequence[Chain]) -> None:
        """Send chains side by side, each row of one after the one before it was confirmed."""
        tasks = [asyncio.ensure_future(self._send_chain(chain)) for chain in chains]
        if not tasks:
            return
        try:
            limit = self._last_start + CONFIRMING - time.monotonic()
            _, unfinished = await asyncio.wait(tasks, timeout=limit)
            if unfinished:
                self.unsure = "not confirmed in time"
        finally:
            for task in tasks:
                task.cancel()

    async def _send_chain(self, chain: Chain) -> None:
        for row in chain:
            if time.monotonic() > self._last_start or self.unsure:
                return
            enqueued = False
            try:
                confirmation = await self._enqueue(row)
                enqueued = True
                await confirmation
            except TOPIC_FAULTS as error:
                self.postponed[row["id"]] = reason(error)
                return
            except Exception as error:
                mine = is_of_the_row(error)
                if mine:
                    self.failed[row["id"]] = reason(error)
                if enqueued or not mine:  # what a broker refuses leaves a hole in the numbers
                    self.unsure = reason(error)
                return
            self._sent.append(row["id"])

    async def _enqueue(self, row: RowMapping) -> asyncio.Future[RecordMetadata]:
        if not TOPIC.fullmatch(row["topic"]):
            raise kafka_errors.InvalidTopicError(row["topic"])
        request_id = row["request_id"]
        headers = [
            ("event_id", str(row["event_id"]).encode()),
            ("event_type", row["event_type"].encode()),
            *([("request_id", request_id.encode())] if request_id else []),
        ]
        confirmation: asyncio.Future[RecordMetadata] = await self._producer.send(
            row["topic"],
            row["payload"],
            key=row["key"].encode(),
            headers=headers,
            timestamp_ms=int(row["created_at"].timestamp() * 1000),
        )
        return confirmation


def is_of_the_row(error: Exception) -> bool:
    """Tell whether sending the same row again would fail again, whatever the broker's health."""
    if isinstance(error, kafka_errors.BrokerResponseError):
        return not error.retriable and not isinstance(error, OTHER_FAULTS)
    return isinstance(error, ValueError | TypeError | AssertionError)


def reason(error: Exception) -> str:
    """Return a short text for `last_error`."""
    return f"{type(error).__name__}: {error}"


def chains_of(rows: Sequence[RowMapping]) -> tuple[list[Chain], list[Chain]]:
    """Group rows by key; the chains that begin with a row which failed before come second."""
    by_key: dict[tuple[str, str], list[RowMapping]] = {}
    for row in rows:
        by_key.setdefault((row["topic"], row["key"]), []).append(row)
    fresh: list[Chain] = [chain for chain in by_key.values() if not chain[0]["attempts"]]
    suspects: list[Chain] = [chain for chain in by_key.values() if chain[0]["attempts"]]
    return fresh, suspects
