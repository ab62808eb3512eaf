"""Bounded ways to use aiokafka: they say that the broker is away, and leave nothing running."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from embedded.kafka import Broker
from kit import kafka
from kit.kafka import KafkaAway
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import own_name, tell, until
from tests.kit.exchange import everything
from tests.kit.gates import silent_server

SOON = 2.0  # seconds
ABORT_LIMIT = kafka.STOP_LIMIT + 0.5


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less long for answers."""
    monkeypatch.setattr(kafka, "ANSWER_LIMIT", 500)
    monkeypatch.setattr(kafka, "START_LIMIT", 1.0)
    monkeypatch.setattr(kafka, "GROUP_LIMIT", 1.0)


@asynccontextmanager
async def leaving_nothing(seconds: float = SOON) -> AsyncIterator[None]:
    """Assert that the block takes no longer and leaves no task running."""
    before, started = asyncio.all_tasks(), time.monotonic()
    yield
    assert time.monotonic() - started <= seconds

    async def is_quiet() -> bool:
        return not asyncio.all_tasks() - before

    await until(is_quiet, 1)


class TestPing:
    @pytest.mark.kafka
    async def test_is_content_with_a_broker(self, settings: Settings) -> None:
        async with leaving_nothing():
            await kafka.ping(settings)

    async def test_says_that_nobody_listens(self, without_kafka: Settings) -> None:
        async with leaving_nothing():
            with pytest.raises(KafkaAway):
                await kafka.ping(without_kafka)
            assert not await kafka.answers(without_kafka)

    async def test_says_that_nobody_answers(self, settings: Settings) -> None:
        async with silent_server() as address, leaving_nothing():
            started = time.monotonic()
            with pytest.raises(KafkaAway):
                await kafka.ping(replace(settings, kafka_servers=address))
            tell("ping of a silent server in seconds", time.monotonic() - started)

    @pytest.mark.kafka
    async def test_finds_the_one_broker_of_several_that_answers(self, settings: Settings) -> None:
        servers = f"127.0.0.1:1,{settings.kafka_servers}"
        async with leaving_nothing():
            await kafka.ping(replace(settings, kafka_servers=servers))


@pytest.mark.usefixtures("impatient")
class TestStart:
    async def test_of_a_producer_says_that_nobody_listens(self, without_kafka: Settings) -> None:
        async with leaving_nothing():
            with pytest.raises(KafkaAway):
                await kafka.start_producer(without_kafka)

    async def test_of_a_consumer_says_that_nobody_listens(self, without_kafka: Settings) -> None:
        async with leaving_nothing():
            with pytest.raises(KafkaAway):
                await kafka.start_consumer(without_kafka, own_name(), [own_name()])

    async def test_says_that_nobody_answers(self, settings: Settings) -> None:
        async with silent_server() as address:
            silent = replace(settings, kafka_servers=address)
            async with leaving_nothing():
                with pytest.raises(KafkaAway):
                    await kafka.start_producer(silent)
            async with leaving_nothing(1.0 + ABORT_LIMIT):
                with pytest.raises(KafkaAway):
                    await kafka.start_consumer(silent, own_name(), [own_name()])

    @pytest.mark.parametrize("what", ["producer", "consumer"])
    async def test_can_be_cancelled(self, settings: Settings, what: str) -> None:
        async with silent_server() as address, leaving_nothing():
            silent = replace(settings, kafka_servers=address)
            starting = asyncio.ensure_future(
                kafka.start_producer(silent)
                if what == "producer"
                else kafka.start_consumer(silent, own_name(), [own_name()])
            )
            await asyncio.wait([starting], timeout=0.1)
            starting.cancel()
            await asyncio.wait([starting], timeout=SOON)
            assert starting.cancelled()


class TestAbort:
    async def test_leaves_nothing_that_is_delivered_later(
        self, settings: Settings, broker: Broker
    ) -> None:
        topic = own_name()
        here = replace(settings, kafka_servers=broker.address)
        async with leaving_nothing(3 + ABORT_LIMIT):
            producer = await kafka.start_producer(here)
            await producer.send_and_wait(topic, b"first")
            broker.take_down()
            sent = [await producer.send(topic, b"%d" % number) for number in range(20)]
            started = time.monotonic()
            await kafka.abort(producer)
            tell("abort without a broker in seconds", time.monotonic() - started)
            _, hanging = await asyncio.wait(sent, timeout=SOON)
            assert not hanging
            assert all(future.exception() for future in sent)
            broker.bring_up()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:  # the sender would try ten times a second
            assert [message.value for message in await everything(broker.address, topic)] == [
                b"first"
            ]

    @pytest.mark.parametrize("trouble", ["gone for a while", "frozen", "none"])
    async def test_is_bounded_and_leaves_neither_a_task_nor_a_complaint(
        self, settings: Settings, broker: Broker, log_lines: Lines, trouble: str
    ) -> None:
        here = replace(settings, kafka_servers=broker.address)
        async with leaving_nothing(3 + ABORT_LIMIT):
            producer = await kafka.start_producer(here)
            await producer.send_and_wait("topic", b"first")
            if trouble == "frozen":
                broker.slow_down(60_000)
            elif trouble == "gone for a while":
                broker.take_down()
            sent = [await producer.send("topic", b"%d" % number) for number in range(20)]
            await asyncio.wait(sent, timeout=0.3)
            started = time.monotonic()
            await kafka.abort(producer)
            assert time.monotonic() - started <= ABORT_LIMIT
            await kafka.abort(producer)  # once more does no harm
        del producer, sent
        gc.collect()  # asyncio tells of failures that nobody has looked at
        await asyncio.sleep(0)
        assert [line for line in log_lines() if line["level"] == "error"] == []


class TestLeave:
    @pytest.mark.parametrize("trouble", ["gone", "frozen", "none"])
    async def test_is_bounded_and_leaves_no_task(
        self, settings: Settings, broker: Broker, trouble: str
    ) -> None:
        here = replace(settings, kafka_servers=broker.address)
        async with leaving_nothing(5 + ABORT_LIMIT):
            consumer = await kafka.start_consumer(here, own_name(), [own_name()])
            if trouble == "frozen":
                broker.slow_down(60_000)
            elif trouble == "gone":
                broker.take_down()
            await consumer.getmany(timeout_ms=300)
            started = time.monotonic()
            await kafka.leave(consumer)
            seconds = time.monotonic() - started
            tell(f"leave, trouble of the broker: {trouble}, in seconds", seconds)
            assert seconds <= 2 * ABORT_LIMIT
