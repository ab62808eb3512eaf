"""Topics are made where the broker lets us, and an absent broker is told from an unwilling one."""

import asyncio
import time
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from embedded.kafka import Broker
from kit import topics
from kit.kafka import KafkaAway
from kit.settings import Settings
from kit.topics import Topics
from tests.kit.conftest import Lines
from tests.kit.events import only_real, own_name, until
from tests.kit.gates import silent_server

SOON = 2.0  # seconds


async def partitions(settings: Settings, names: list[str]) -> set[int]:
    """Return how many partitions the topics have, once the broker knows them everywhere."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    await admin.start()
    found: set[int] = set()

    async def are_known() -> bool:
        found.clear()
        found.update(len(topic["partitions"]) for topic in await admin.describe_topics(names))
        return 0 not in found

    await until(are_known)
    await admin.close()
    return found


def told(lines: Lines) -> list[str]:
    """Return what was logged about topics."""
    return [line["event"] for line in lines() if line["event"].startswith("topic")]


@only_real
@pytest.mark.kafka
class TestBrokerThatMakesTopics:
    async def test_makes_what_is_missing_once(self, settings: Settings, log_lines: Lines) -> None:
        names = [own_name(), own_name()]
        known = Topics(settings, names)
        await known.ensure()
        assert await partitions(settings, names) == {6}
        await known.ensure()
        await Topics(settings, names).ensure()  # another worker, later
        assert told(log_lines) == ["topic made"] * 2

    async def test_is_asked_by_several_at_once(self, settings: Settings, log_lines: Lines) -> None:
        names = [own_name()]
        await asyncio.gather(*(Topics(settings, names).ensure() for _ in range(4)))
        assert await partitions(settings, names) == {6}
        assert told(log_lines) == ["topic made"]


class TestBrokerThatMakesNone:
    async def test_is_told_of_and_not_asked_again(
        self, settings: Settings, broker: Broker, log_lines: Lines
    ) -> None:
        known = Topics(replace(settings, kafka_servers=broker.address), [own_name()])
        await known.ensure()
        await known.ensure()
        assert told(log_lines) == ["topics not made"]


class TestBrokerThatIsAway:
    async def test_is_asked_again_when_it_is_back(
        self, settings: Settings, broker: Broker, log_lines: Lines
    ) -> None:
        known = Topics(replace(settings, kafka_servers=broker.address), [own_name()])
        broker.take_down()
        for _ in range(2):
            with pytest.raises(KafkaAway):
                await known.ensure()
        assert told(log_lines) == []
        broker.bring_up()
        await known.ensure()
        assert told(log_lines) == ["topics not made"]

    async def test_is_not_waited_for_long(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(topics, "ANSWER_LIMIT", 500)
        async with silent_server() as address:
            known = Topics(replace(settings, kafka_servers=address), [own_name()])
            started = time.monotonic()
            with pytest.raises(KafkaAway):
                await known.ensure()
            assert time.monotonic() - started <= SOON

    async def test_does_not_matter_when_no_topic_is_wanted(self, without_kafka: Settings) -> None:
        await Topics(without_kafka, []).ensure()
