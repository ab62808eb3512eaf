"""The consumer waits while the broker or PostgreSQL is away, drops nothing, and leaves soon."""

import asyncio
import time

import pytest

from embedded.kafka import Broker
from kit.consumer import Consumer
from kit.db import Database, database
from kit.engine import create_engine
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import (
    STOP_LIMIT,
    commit_many,
    drained,
    publishing,
    relay_of,
    running,
    tell,
    until,
)
from tests.kit.gates import gated_database
from tests.kit.hearing import Ear, publish

pytestmark = pytest.mark.usefixtures("quick_groups")

SOON = 10.0  # seconds


@pytest.fixture
async def ear(trouble: Settings, busy_database: Database) -> Ear:
    """Hear a topic of a broker that may get into trouble."""
    return await Ear(trouble, busy_database).prepare()


def told(lines: Lines) -> list[str]:
    """Return what the consumer has logged about its waiting."""
    return [line["event"] for line in lines() if line.get("loop") == "consumer"]


class TestBrokerAway:
    async def test_at_the_start_is_waited_for(
        self, ear: Ear, broker: Broker, log_lines: Lines
    ) -> None:
        async with publishing(broker.address) as producer:
            await publish(producer, ear.topic, "a", 1)
        broker.take_down()

        async def waits() -> bool:
            return bool(told(log_lines))

        async with running(ear.consumer()):
            await until(waits)
            await asyncio.sleep(1)  # a few rounds
            broker.bring_up()
            seconds = await ear.has(1, seconds=SOON)
            await until(lambda: is_back(log_lines))
        tell("heard after an outage from the start, in seconds", seconds)
        assert told(log_lines) == ["waiting", "back to work"]
        assert [line["event"] for line in log_lines() if "exception" in line] == []

    async def test_in_the_middle_is_waited_for(
        self, ear: Ear, broker: Broker, busy_database: Database
    ) -> None:
        async with running(relay_of(ear.settings, busy_database), ear.consumer()):
            await commit_many(busy_database, ear.topic, 100)
            await ear.has(*range(100))
            broker.take_down()
            await commit_many(busy_database, ear.topic, 100, first=100)
            await asyncio.sleep(2)  # the group forgets its member
            broker.bring_up()
            await drained(busy_database)
            seconds = await ear.has(*range(200), seconds=SOON)
        tell("heard after an outage in the middle, in seconds", seconds)
        assert sorted(await ear.effects()) == list(range(200))

    @pytest.mark.parametrize(
        ("when", "how"),
        [
            ("never there", "event"),
            ("never there", "cancel"),
            ("gone", "event"),
            ("gone", "cancel"),
            ("frozen", "event"),
        ],
    )
    async def test_does_not_hold_up_the_end(
        self, ear: Ear, broker: Broker, when: str, how: str
    ) -> None:
        if when == "never there":
            broker.take_down()
        before, stop = asyncio.all_tasks(), asyncio.Event()
        task = asyncio.create_task(ear.consumer().run(stop))
        if when != "never there":
            async with publishing(broker.address) as producer:
                await publish(producer, ear.topic, "a", 1)
            await ear.has(1)
        if when == "gone":
            broker.take_down()
        elif when == "frozen":
            broker.slow_down(60_000)
        await asyncio.wait([task], timeout=0.7)
        started = time.monotonic()
        if how == "event":
            stop.set()
        else:
            task.cancel()
        _, late = await asyncio.wait([task], timeout=30)
        seconds = time.monotonic() - started
        tell(f"end of a consumer by {how}, broker {when}, in seconds", seconds)
        assert not late
        assert seconds <= STOP_LIMIT
        assert task.cancelled() == (how == "cancel")

        async def is_quiet() -> bool:
            return asyncio.all_tasks() == before

        await until(is_quiet, 1)


async def is_back(lines: Lines) -> bool:
    """Tell whether the consumer is back at work."""
    return "back to work" in told(lines)


class TestPostgresqlAway:
    async def test_is_waited_for_and_no_message_is_dropped(
        self, ear: Ear, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.consumer.MOST", 7)  # messages of a round
        count = 60
        async with gated_database(ear.settings) as (through, gate):
            engine = create_engine(through)
            consumer: Consumer = ear.consumer(database(engine))
            async with publishing(ear.settings.kafka_servers) as producer, running(consumer):
                for number in range(count):
                    await publish(producer, ear.topic, str(number % 5), number)
                    if number % 20 == 10:
                        await ear.has(number - 10)
                        await gate.shut()
                    if number % 20 == 19:
                        await until(lambda: is_waiting(log_lines))
                        await gate.open()
                await ear.has(*range(count))
            await engine.dispose()
        for key in range(5):
            assert await ear.effects(str(key)) == list(range(key, count, 5))
        assert set(told(log_lines)) == {"waiting", "back to work"}
        assert [line["event"] for line in log_lines() if "exception" in line] == []
        assert await ear.parked() == []


async def is_waiting(lines: Lines) -> bool:
    """Tell whether the consumer waits."""
    return told(lines)[-1:] == ["waiting"]
