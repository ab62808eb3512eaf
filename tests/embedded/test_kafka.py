"""Prove that the embedded broker serves aiokafka, fails when told to and leaves nothing behind."""

import asyncio
import importlib.util
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from operator import le
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer as Consumer
from aiokafka import AIOKafkaProducer as Producer
from aiokafka.errors import MessageSizeTooLargeError

from embedded import kafka
from embedded.errors import EmbeddedError
from embedded.kafka import Broker
from embedded.process import wait_until

PRODUCE, LIST_GROUPS = 0, 16
NOT_LEADER, TOO_LARGE, HANG_UP = 6, 10, -195
OURS = Path("/proc/self")


async def within(awaitable: Awaitable[Any], seconds: float = 10) -> Any:
    return await asyncio.wait_for(awaitable, seconds)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with kafka.server() as running:
        yield running


@pytest_asyncio.fixture
async def producer(broker: Broker) -> AsyncIterator[Producer]:
    started = Producer(bootstrap_servers=broker.address, acks="all", enable_idempotence=True)
    await within(started.start())
    yield started
    await within(started.stop())


@asynccontextmanager
async def consuming(broker: Broker) -> AsyncIterator[Consumer]:
    consumer = Consumer(
        "facts",
        bootstrap_servers=broker.address,
        group_id="readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        heartbeat_interval_ms=300,
        session_timeout_ms=1500,  # who returns to the group waits for one second less
    )
    try:
        await within(consumer.start())
        yield consumer
    finally:
        await within(consumer.stop())


async def publish(producer: Producer, value: bytes, **more: Any) -> Any:
    return await within(producer.send_and_wait("facts", value, key=b"key", **more))


async def values(consumer: Consumer, count: int) -> list[bytes]:
    return [(await within(consumer.getone())).value for _ in range(count)]


def connect(broker: Broker) -> socket.socket:
    host, port = broker.address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def accepts(broker: Broker) -> bool:
    try:
        connect(broker).close()
    except ConnectionRefusedError:
        return False
    return True


class TestServer:
    async def test_gives_back_what_was_sent(self, broker: Broker, producer: Producer) -> None:
        headers = [("event", b"\x00\xff"), ("empty", b"")]
        await publish(producer, b"value", timestamp_ms=42, headers=headers)
        async with consuming(broker) as consumer:
            record = await within(consumer.getone())
        assert (record.key, record.value, record.timestamp) == (b"key", b"value", 42)
        assert list(record.headers) == headers

    async def test_keeps_the_order_of_a_key(self, broker: Broker, producer: Producer) -> None:
        keys, numbers = [b"a", b"b", b"c", b"d", b"e"], range(100)
        pairs = [(b"%d" % number, key) for number in numbers for key in keys]
        sent = [await within(producer.send("facts", *pair)) for pair in pairs]
        await within(asyncio.gather(*sent))
        async with consuming(broker) as consumer:
            records = [await within(consumer.getone()) for _ in pairs]
        for key in keys:
            assert [int(x.value) for x in records if x.key == key] == list(numbers)
        assert await within(producer.partitions_for("facts")) == {0, 1, 2, 3}

    async def test_remembers_a_groups_place(self, broker: Broker, producer: Producer) -> None:
        for value in (b"committed", b"read", b"new"):
            await publish(producer, value)
        async with consuming(broker) as consumer:
            assert await values(consumer, 1) == [b"committed"]
            await within(consumer.commit())
            assert await values(consumer, 1) == [b"read"]
        async with consuming(broker) as consumer:
            assert await values(consumer, 2) == [b"read", b"new"]

    def test_runs_more_than_once_at_a_time(self, broker: Broker) -> None:
        with kafka.server() as other:
            assert other.address != broker.address
            other.take_down()
            assert accepts(broker)

    @pytest.mark.skipif(not OURS.exists(), reason="only Linux tells a process what it holds")
    def test_leaves_no_thread_and_no_socket(self) -> None:
        def held() -> list[int]:
            return [len([*(OURS / kind).iterdir()]) for kind in ("task", "fd")]

        before = held()
        for _ in range(5):
            with kafka.server() as broker:
                assert held() > before
            assert not accepts(broker)
        # the kernel forgets a thread a little after it has ended
        assert wait_until(lambda: all(map(le, held(), before)), 2), (before, held())

    def test_has_ended_when_the_block_fails(self) -> None:
        with pytest.raises(KeyboardInterrupt), kafka.server() as broker:
            raise KeyboardInterrupt
        assert not accepts(broker)
        with pytest.raises(EmbeddedError, match="has ended"):
            broker.bring_up()

    def test_prints_nothing(self, broker: Broker, capfd: pytest.CaptureFixture[str]) -> None:
        with connect(broker) as connection:
            connection.sendall(struct.pack(">ihhih", 10, LIST_GROUPS, 0, 1, -1))
            assert connection.recv(1) == b""  # it hung up, which it would tell on stderr
        assert capfd.readouterr() == ("", "")

    def test_misses_its_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        sentence = r"confluent_kafka is not installed .*: set KAFKA_BOOTSTRAP_SERVERS\.$"
        with pytest.raises(EmbeddedError, match=sentence), kafka.server():
            pytest.fail("it came up")

    @pytest.mark.parametrize("change", [("EXTENSION", "no"), ("FUNCTIONS", {"no": (None, [])})])
    def test_misses_its_library(self, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kafka, *change)
        sentence = r"does not run on this platform: set KAFKA_BOOTSTRAP_SERVERS\.$"
        with pytest.raises(EmbeddedError, match=sentence), kafka.server():
            pytest.fail("it came up")


class TestTrouble:
    async def test_is_down_for_a_while(self, broker: Broker, producer: Producer) -> None:
        async with consuming(broker) as consumer:
            await publish(producer, b"before")
            broker.take_down()
            assert not accepts(broker)
            with pytest.raises(TimeoutError):
                await within(producer.send_and_wait("facts", b"during", key=b"key"), 0.3)
            broker.bring_up()
            await publish(producer, b"after")
            # aiokafka goes on with a message that nobody waits for any more
            assert await values(consumer, 3) == [b"before", b"during", b"after"]
            await within(consumer.commit())

    @pytest.mark.parametrize("code", [NOT_LEADER, HANG_UP])
    async def test_is_asked_again(self, broker: Broker, producer: Producer, code: int) -> None:
        await publish(producer, b"first")
        broker.fail(PRODUCE, code, code)
        started = time.monotonic()
        assert (await publish(producer, b"second")).offset == 1
        assert time.monotonic() - started >= 0.2  # aiokafka waits for 0.1 s before every retry

    async def test_refuses_for_good(self, broker: Broker, producer: Producer) -> None:
        await publish(producer, b"first")
        broker.fail(PRODUCE, TOO_LARGE)
        with pytest.raises(MessageSizeTooLargeError):
            await publish(producer, b"refused")
        assert (await publish(producer, b"second")).offset == 1

    async def test_answers_later_when_slow(self, broker: Broker, producer: Producer) -> None:
        await publish(producer, b"quick")
        broker.slow_down(300)
        started = time.monotonic()
        await publish(producer, b"slow")
        assert time.monotonic() - started >= 0.3
        broker.slow_down(0)
