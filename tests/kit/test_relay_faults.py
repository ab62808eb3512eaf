"""A row that Kafka refuses is parked after ten tries and holds up only its own key."""

from typing import Any

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.kafka import Broker
from kit import outbox
from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import (
    TYPE,
    attempts,
    commit,
    commit_many,
    drained,
    only_real,
    own_name,
    relay_of,
    running,
    until,
)
from tests.kit.exchange import Figures, audit, everything, number_of
from tests.support.shops import rows

PRODUCE, TOO_LARGE = 0, 10
HUGE = "x" * 1_100_000
TRIES = 10

pytestmark = pytest.mark.usefixtures("quick_tries")


async def state(database: Database) -> dict[int, dict[str, Any]]:
    """Return the rows by the numbers of their events."""
    found = await rows(database, "SELECT * FROM outbox ORDER BY id")
    return {orjson.loads(row["payload"])["number"]: row for row in found}


class TestPoison:
    @pytest.mark.kafka
    @pytest.mark.parametrize("name", ["payload over 1 MiB", "a topic's name with blanks", ".."])
    async def test_holds_up_only_its_own_key_until_it_is_parked(
        self, busy_settings: Settings, busy_database: Database, log_lines: Lines, name: str
    ) -> None:
        topic = own_name()
        poisoned, more = (topic, {"more": HUGE}) if "MiB" in name else (name, {})
        await commit(busy_database, poisoned, "a", 1, **more)
        if poisoned == topic:
            await commit(busy_database, topic, "a", 2)
        await commit(busy_database, topic, "b", 3)

        async def has_failed_twice() -> bool:
            return int((await state(busy_database))[1]["attempts"]) >= 2

        async with running(relay_of(busy_settings, busy_database)):
            await until(has_failed_twice)
            await commit(busy_database, topic, "c", 4)
            await drained(busy_database)
        found = await state(busy_database)
        assert [(found[1]["attempts"], found[1]["published_at"])] == [(TRIES, None)]
        assert found[1]["last_error"]
        for number in (3, 4):  # other keys did not wait
            assert found[number]["published_at"] < found[1]["dead_at"]
        if poisoned == topic:  # its own key did
            assert found[2]["published_at"] > found[1]["dead_at"]
        assert {row["attempts"] for number, row in found.items() if number != 1} == {0}
        sent = {str(number): [number] for number in found if number != 1}
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit(sent, heard) == Figures(sent=len(sent), received=len(sent))
        (line,) = [line for line in log_lines() if line["event"] == "event parked"]
        assert (line["level"], line["outbox_id"]) == ("error", found[1]["id"])


class TestRefusalByTheBroker:
    async def test_parks_what_is_refused_ten_times_and_lets_its_key_go_on(
        self, trouble: Settings, busy_database: Database, broker: Broker
    ) -> None:
        topic = own_name()
        for number in (1, 2):
            await commit(busy_database, topic, "a", number)
        broker.fail(PRODUCE, *[TOO_LARGE] * TRIES)
        async with running(relay_of(trouble, busy_database)):
            await drained(busy_database)
        found = await state(busy_database)
        assert (found[1]["attempts"], found[1]["published_at"]) == (TRIES, None)
        assert "MessageSizeTooLarge" in found[1]["last_error"]
        assert found[2]["attempts"] == 0
        assert found[2]["published_at"] > found[1]["dead_at"]
        heard = await everything(trouble.kafka_servers, topic)
        assert list(map(number_of, heard)) == [2]

    async def test_of_a_whole_batch_strikes_nobody_for_long(
        self, trouble: Settings, busy_database: Database, broker: Broker
    ) -> None:
        topic = own_name()
        committed = await commit_many(busy_database, topic, 60, keys=20)
        broker.fail(PRODUCE, *[TOO_LARGE] * 3)
        async with running(relay_of(trouble, busy_database)):
            await drained(busy_database)
        assert await attempts(busy_database) > 0
        assert max(row["attempts"] for row in (await state(busy_database)).values()) <= 3
        heard = await everything(trouble.kafka_servers, topic)
        assert audit(committed, heard) == Figures(sent=60, received=60)

    @pytest.mark.kafka
    @only_real
    async def test_of_one_row_does_not_park_those_that_travel_with_it(
        self, busy_settings: Settings, busy_database: Database
    ) -> None:
        topic = own_name()
        admin = AIOKafkaAdminClient(bootstrap_servers=busy_settings.kafka_servers)
        await admin.start()
        small = {"max.message.bytes": "10000"}  # of a whole batch
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=small)])
        await admin.close()
        async with busy_database.writing() as session:  # in one batch, for all are there at once
            for number in range(60):
                more = {"more": "x" * 12_000} if number == 30 else {}
                payload = {"number": number, **more}
                await outbox.record(session, topic, number % 20, TYPE, payload)
        async with running(relay_of(busy_settings, busy_database)):
            await drained(busy_database, 30)
        found = await state(busy_database)
        assert [number for number, row in found.items() if row["dead_at"]] == [30]
        committed = {
            str(key): [n for n in range(60) if n % 20 == key and n != 30] for key in range(20)
        }
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit(committed, heard) == Figures(sent=59, received=59)
        assert found[50]["published_at"] > found[30]["dead_at"]  # of the same key
