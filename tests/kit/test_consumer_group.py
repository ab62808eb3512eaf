"""The consumer outlives whatever goes wrong between its group, the broker and aiokafka."""

import asyncio

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError

from embedded.kafka import Broker
from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import publishing, running
from tests.kit.hearing import Ear, publish

pytestmark = pytest.mark.usefixtures("quick_groups")

HEARTBEAT, SYNC_GROUP, UNKNOWN_MEMBER, INVALID_REQUEST = 12, 14, 25, 42
SOON = 10.0  # seconds


@pytest.fixture
async def ear(trouble: Settings, busy_database: Database) -> Ear:
    """Hear a topic of a broker that may get into trouble."""
    return await Ear(trouble, busy_database).prepare()


class TestTroubleOfTheGroup:
    async def test_is_survived(self, ear: Ear, broker: Broker) -> None:
        async with publishing(broker.address) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1)
            await ear.has(1)
            broker.fail(SYNC_GROUP, INVALID_REQUEST, -1)
            broker.fail(HEARTBEAT, UNKNOWN_MEMBER)
            await asyncio.sleep(1)  # until a heartbeat has failed
            await publish(producer, ear.topic, "a", 2)
            await ear.has(2, seconds=SOON)
        assert await ear.effects() == [1, 2]

    @pytest.mark.parametrize("error", [KafkaError, AssertionError])
    async def test_is_survived_though_aiokafka_does_not(
        self,
        ear: Ear,
        broker: Broker,
        monkeypatch: pytest.MonkeyPatch,
        error: type[Exception],
    ) -> None:
        failures, genuine = iter([error]), GroupCoordinator.ensure_coordinator_known

        async def fail_once(self: GroupCoordinator) -> None:
            for failure in failures:
                raise failure
            await genuine(self)

        async with publishing(broker.address) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1)
            await ear.has(1)
            monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", fail_once)
            broker.fail(HEARTBEAT, UNKNOWN_MEMBER)
            await asyncio.sleep(1)  # until a heartbeat has failed
            await publish(producer, ear.topic, "a", 2)
            await ear.has(2, seconds=SOON)
        assert next(failures, None) is None
        assert await ear.effects() == [1, 2]

    async def test_does_not_matter_to_offsets_that_are_not_committed(
        self, ear: Ear, broker: Broker, log_lines: Lines
    ) -> None:
        async with publishing(broker.address) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1)
            await ear.has(1)
            broker.fail(8, *[27] * 3)  # the group is rebalancing
            for number in (2, 3):
                await publish(producer, ear.topic, "a", number)
            await ear.has(2, 3, seconds=SOON)
        assert await ear.effects() == [1, 2, 3]
        assert "offsets not committed" in [line["event"] for line in log_lines()]
        assert [line for line in log_lines() if line["level"] == "error"] == []
