"""Bounded ways to use aiokafka: every one of its awaits may hang while the broker is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaClient, AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import MessageAccumulator

from kit.errors import Away
from kit.settings import SERVICE, Settings

ANSWER_LIMIT = 5000  # milliseconds for one request
START_LIMIT = 6.0  # seconds
STOP_LIMIT = 2.0  # seconds
RETRY_PAUSE = 100  # milliseconds
GROUP_LIMIT = 30.0  # seconds to join: the group waits for a member that was killed
MEMBER_LIMIT = 10_000  # milliseconds until the group forgets a member that was killed
JOIN_LIMIT = 12_000  # milliseconds, longer than that
COMMIT_LIMIT = 3.0  # seconds


class KafkaAway(Away):
    """The broker does not answer."""


@asynccontextmanager
async def _starting(
    settings: Settings, limit: float, end: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Bound the start of a client, in seconds, and end the client when it fails."""
    try:
        async with asyncio.timeout(limit):
            yield
    except (KafkaError, OSError, TimeoutError, UnicodeError) as error:
        await end()
        raise KafkaAway(f"{settings.kafka_servers}: {type(error).__name__}") from error
    except BaseException:
        await end()
        raise


async def start_producer(settings: Settings) -> AIOKafkaProducer:
    """Connect a producer that keeps the order and counts a message as sent when all replicas do.

    Raises:
        KafkaAway: no broker answers in time.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers,
        client_id=SERVICE,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=ANSWER_LIMIT,
        retry_backoff_ms=RETRY_PAUSE,
    )
    async with _starting(settings, START_LIMIT, lambda: abort(producer)):
        await producer.start()
    return producer


async def abort(producer: AIOKafkaProducer) -> None:
    """End a producer within bounds; what it still holds is never sent.

    Its own `stop` waits for ever while the broker is away, and abandoning that leaves the sender
    at work. Only private names reach the sender.
    """
    sending = producer._sender.sender_task  # None when it did not start
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_LIMIT):
            while sending is not None and not sending.done():
                sending.cancel()  # more than once: it first waits for what is on its way
                await asyncio.wait([sending], timeout=0.05)
            _drop(producer._message_accumulator)
            await producer.stop()


def _drop(accumulator: MessageAccumulator) -> None:
    """Fail what a producer still holds, and keep asyncio from complaining that nobody listens."""
    held = accumulator._pending_batches
    held.update(batch for batches in accumulator._batches.values() for batch in batches)
    accumulator.fail_all(KafkaError("The producer was aborted."))
    for batch in held:
        for future in (batch._drain_waiter, *(future for future, _ in batch._msg_futures)):
            if future.done() and not future.cancelled():
                future.exception()


async def start_consumer(
    settings: Settings, group: str, topics: Collection[str]
) -> AIOKafkaConsumer:
    """Join a group that hears topics from their beginning; what it has done it commits itself.

    Raises:
        KafkaAway: no broker answers in time.
    """
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=settings.kafka_servers,
        client_id=SERVICE,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=JOIN_LIMIT,
        session_timeout_ms=MEMBER_LIMIT,
        retry_backoff_ms=RETRY_PAUSE,
    )
    async with _starting(settings, GROUP_LIMIT, lambda: leave(consumer)):
        await consumer.start()
    return consumer


async def leave(consumer: AIOKafkaConsumer) -> None:
    """End a consumer within bounds.

    While the broker is away, its own `stop` hangs, or raises a cancellation that nobody asked for.
    """
    try:
        async with asyncio.timeout(STOP_LIMIT):
            await consumer.stop()
    except (TimeoutError, KafkaError):
        await _tear_down(consumer)
    except asyncio.CancelledError:
        await _tear_down(consumer)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


async def _tear_down(consumer: AIOKafkaConsumer) -> None:
    """Cancel what a consumer has left running; only private names reach it."""
    group, fetcher = consumer._coordinator, consumer._fetcher
    found = [
        getattr(group, "_coordination_task", None),
        getattr(group, "_heartbeat_task", None),
        getattr(group, "_commit_refresh_task", None),
        getattr(fetcher, "_fetch_task", None),
        *getattr(fetcher, "_pending_tasks", ()),
    ]
    tasks = [task for task in found if task is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_LIMIT / 2)
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_LIMIT / 2):
            await consumer._client.close()


@asynccontextmanager
async def _client(settings: Settings, limit: int) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(
        bootstrap_servers=settings.kafka_servers, client_id=SERVICE, request_timeout_ms=limit
    )
    try:
        yield client
    finally:
        await client.close()


async def ping(settings: Settings, limit: int = 1200) -> None:
    """Ask the brokers for the cluster's metadata; limit: milliseconds.

    Raises:
        KafkaAway: none answers.
    """
    async with _client(settings, limit) as client:
        try:
            await client.bootstrap()
        except (KafkaError, OSError, UnicodeError) as error:
            raise KafkaAway(f"{settings.kafka_servers}: {type(error).__name__}") from error


async def answers(settings: Settings) -> bool:
    """Tell whether a broker answers."""
    try:
        await ping(settings)
    except KafkaAway:
        return False
    return True
