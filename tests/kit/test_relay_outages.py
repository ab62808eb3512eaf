"""The broker away: events wait, use up no tries, and leave soon after it is back."""

import asyncio
import gc
import time

import pytest

from embedded.kafka import Broker
from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import Lines, VisitAt
from tests.kit.events import (
    attempts,
    commit,
    commit_many,
    drained,
    leased,
    own_name,
    relay_of,
    running,
    tell,
    until,
)
from tests.kit.exchange import Figures, audit, everything
from tests.support.keys import APPLICATIONS, application
from tests.support.shops import value

DRAIN_LIMIT = 10.0  # seconds, by the promise
ASK_AGAIN = [-195, 6, 7, 19]  # hangs up; not the leader, took too long, too few replicas
OF_THE_PRODUCER = [45, 47]  # numbers out of order, numbers of another epoch
OF_THE_TOPIC = [-1, 8, 29, 49, 59]  # whatever it is, neither the row nor the broker is to blame


def events_of(lines: Lines, loop: str) -> list[str]:
    """Return what a loop has logged."""
    return [line["event"] for line in lines() if line.get("loop") == loop]


async def is_waiting(lines: Lines) -> bool:
    """Tell whether the relay has said that it waits."""
    return "waiting" in events_of(lines, "relay")


def tracebacks(lines: Lines) -> list[str]:
    """Return the events that were logged with a traceback."""
    return [line["event"] for line in lines() if "exception" in line]


class TestBrokerThatIsAwayFromTheStart:
    async def test_gets_everything_soon_after_it_is_back(
        self, trouble: Settings, busy_database: Database, broker: Broker, log_lines: Lines
    ) -> None:
        topic = own_name()
        broker.take_down()
        committed = await commit_many(busy_database, topic, 1000)
        async with running(relay_of(trouble, busy_database)):
            await until(lambda: is_waiting(log_lines))
            await asyncio.sleep(1)  # a few rounds
            assert await attempts(busy_database) == 0
            broker.bring_up()
            seconds = await drained(busy_database, DRAIN_LIMIT)
        tell("drain of 1 000 after an outage from the start, in seconds", seconds)
        heard = await everything(broker.address, topic)
        assert audit(committed, heard) == Figures(sent=1000, received=1000)
        assert events_of(log_lines, "relay") == ["waiting", "back to work"]
        assert tracebacks(log_lines) == []

    async def test_fails_no_request(
        self, visit_at: VisitAt, without_kafka: Settings, busy_database: Database
    ) -> None:
        guest = await visit_at(without_kafka, busy_database)
        async with running(relay_of(without_kafka, busy_database)):
            started = time.perf_counter()
            for _ in range(5):
                answer = await guest.post(APPLICATIONS, json=application())
                assert answer.status == 201
            assert time.perf_counter() - started < 2
        assert await value(busy_database, "SELECT count(*) FROM outbox") == 5


@pytest.mark.usefixtures("short_batches")
class TestBrokerThatGoesAway:
    @pytest.mark.parametrize("what", ["at rest", "while it is sent to"])
    async def test_gets_everything_soon_after_it_is_back(
        self,
        trouble: Settings,
        busy_database: Database,
        broker: Broker,
        log_lines: Lines,
        what: str,
    ) -> None:
        topic = own_name()
        async with running(relay_of(trouble, busy_database)):
            await commit(busy_database, topic, "0", -1)
            await drained(busy_database)
            if what == "at rest":
                broker.take_down()
            broker.slow_down(200)
            committed = await commit_many(busy_database, topic, 1000)
            await until(lambda: leased(busy_database))
            broker.take_down()
            broker.slow_down(0)

            await until(lambda: is_waiting(log_lines))
            await asyncio.sleep(1)  # a few rounds
            assert await attempts(busy_database) == 0
            assert await leased(busy_database) == 0
            broker.bring_up()
            seconds = await drained(busy_database, DRAIN_LIMIT)
        committed = {**committed, "0": [-1, *committed["0"]]}
        heard = await everything(broker.address, topic)
        figures = audit(committed, heard)
        tell(f"outage {what}: drain of 1 000 in {seconds} seconds", figures)
        assert (figures.lost, figures.phantoms, figures.inversions) == (0, 0, 0)
        assert len({dict(message.headers)["event_id"] for message in heard}) == 1001
        assert events_of(log_lines, "relay") == ["waiting", "back to work"]
        assert "topic rests" not in [line["event"] for line in log_lines()]

    async def test_is_told_of_without_a_traceback(
        self, trouble: Settings, busy_database: Database, broker: Broker, log_lines: Lines
    ) -> None:
        gc.collect()  # what earlier tests have left is not told here
        await commit(busy_database, own_name(), "a", 1)
        broker.slow_down(200)
        async with running(relay_of(trouble, busy_database)):
            await until(lambda: leased(busy_database))
            broker.take_down()
            broker.slow_down(0)
            await until(lambda: is_waiting(log_lines))
        gc.collect()  # asyncio tells of failures that nobody has looked at
        await asyncio.sleep(0)
        assert tracebacks(log_lines) == []


class TestTroubleOfTheBroker:
    @pytest.mark.parametrize("code", [*ASK_AGAIN, *OF_THE_PRODUCER, *OF_THE_TOPIC])
    async def test_uses_up_no_try(
        self,
        trouble: Settings,
        busy_database: Database,
        broker: Broker,
        log_lines: Lines,
        code: int,
    ) -> None:
        topic = own_name()
        committed = await commit_many(busy_database, topic, 100)
        broker.fail(0, code)
        async with running(relay_of(trouble, busy_database)):
            await drained(busy_database)
        assert await attempts(busy_database) == 0
        figures = audit(committed, await everything(broker.address, topic))
        assert (figures.lost, figures.phantoms, figures.inversions) == (0, 0, 0)
        told = ["waiting", "back to work"] if code in OF_THE_PRODUCER else []
        assert events_of(log_lines, "relay") == told
        rests = [line for line in log_lines() if line["event"] == "topic rests"]
        assert [line["topic"] for line in rests] == ([topic] if code in OF_THE_TOPIC else [])

    @pytest.mark.usefixtures("short_batches")
    async def test_that_makes_it_slow_is_no_outage(
        self, trouble: Settings, busy_database: Database, broker: Broker, log_lines: Lines
    ) -> None:
        topic = own_name()
        async with running(relay_of(trouble, busy_database)):
            await commit(busy_database, topic, "0", -1)
            await drained(busy_database)
            broker.slow_down(70)
            await commit_many(busy_database, topic, 12, keys=1)  # more than a batch has time for
            await drained(busy_database)
        heard = await everything(broker.address, topic)
        assert audit({"0": [-1, *range(12)]}, heard) == Figures(sent=13, received=13)
        assert events_of(log_lines, "relay") == []

    async def test_with_a_topic_holds_up_only_that_topic(
        self, trouble: Settings, busy_database: Database, broker: Broker, log_lines: Lines
    ) -> None:
        topic, other = own_name(), own_name()
        await commit(busy_database, topic, "a", 1)
        broker.fail(0, 29)  # not allowed to write to it

        async def rests() -> bool:
            return "topic rests" in [line["event"] for line in log_lines()]

        async with running(relay_of(trouble, busy_database)):
            await until(rests)
            for number in range(3):
                await commit(busy_database, other, "a", number)
            await drained(busy_database)
        order = "SELECT array_agg(topic ORDER BY published_at) FROM outbox"
        assert await value(busy_database, order) == [*[other] * 3, topic]
