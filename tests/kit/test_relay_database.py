"""The relay and PostgreSQL: no transaction while Kafka is at work, and outages are survived."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest

from embedded.kafka import Broker
from kit.db import Database, database
from kit.engine import create_engine
from kit.settings import Settings
from tests.kit.conftest import Lines
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
from tests.kit.exchange import audit, everything, number_of
from tests.kit.gates import gated_database
from tests.support.shops import rows, value

SLOW = 1.0  # seconds for an answer of the broker
OTHERS = """
SELECT count(*) FILTER (WHERE state = 'idle in transaction') AS idle,
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float AS longest,
    (SELECT count(*) FROM outbox WHERE lease_owner IS NOT NULL) AS leased
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'shop-api'
"""


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leases expire sooner, as those do whose end PostgreSQL could not be told."""
    monkeypatch.setattr("kit.relay.LEASE", timedelta(seconds=2))


async def is_told(lines: Lines, event: str) -> bool:
    """Tell whether the relay has logged an event."""
    return any(line["event"] == event and line.get("loop") == "relay" for line in lines())


class TestTransactions:
    async def test_are_not_open_while_the_broker_is_asked(
        self,
        trouble: Settings,
        busy_database: Database,
        other_database: Database,
        broker: Broker,
    ) -> None:
        topic = own_name()
        seen: list[dict[str, float]] = []

        async def look() -> bool:
            (state,) = await rows(other_database, OTHERS)
            if state["leased"]:
                seen.append(state)
            return bool(seen) and not state["leased"]

        async with running(relay_of(trouble, busy_database)):
            await commit(busy_database, topic, "a", 1)
            await drained(busy_database)
            broker.slow_down(int(SLOW * 1000))
            await commit_many(busy_database, topic, 50)
            seconds = await until(look)
        assert seconds > SLOW * 0.9
        assert len(seen) >= 10
        assert max(state["longest"] for state in seen) < SLOW / 2
        # claiming and marking may be seen in the act, but only for a moment
        assert sum(state["idle"] > 0 for state in seen) <= len(seen) / 10


@pytest.mark.usefixtures("short_batches")
class TestPostgresqlThatIsBack:
    async def test_soon_gets_the_rows_back_that_a_batch_did_not_reach(
        self, trouble: Settings, busy_database: Database, broker: Broker
    ) -> None:
        async with gated_database(trouble) as (through, gate):
            engine = create_engine(through)
            async with running(relay_of(through, database(engine))):
                topic = own_name()
                await commit(busy_database, topic, "a", -1)
                await drained(busy_database)
                broker.slow_down(200)
                await commit_many(busy_database, topic, 100, keys=5)
                await until(lambda: leased(busy_database))
                await gate.shut()
                await asyncio.sleep(1)  # until the batch is over
                broker.slow_down(0)
                await gate.open()
                seconds = await drained(busy_database, 8)  # less than a lease lasts
            await engine.dispose()
        tell("unreached rows were sent, seconds after PostgreSQL was back", seconds)


@pytest.mark.usefixtures("short_leases")
class TestPostgresqlAway:
    async def test_is_waited_for_and_nothing_is_lost(
        self,
        trouble: Settings,
        busy_database: Database,
        broker: Broker,
        log_lines: Lines,
    ) -> None:
        topic = own_name()
        async with gated_database(trouble) as (through, gate):
            engine = create_engine(through)
            async with running(relay_of(through, database(engine))):
                broker.slow_down(300)
                committed = await commit_many(busy_database, topic, 300)
                await until(lambda: leased(busy_database))
                await gate.shut()
                await until(lambda: is_told(log_lines, "waiting"))
                broker.slow_down(0)
                await asyncio.sleep(1)  # a few rounds
                await gate.open()
                seconds = await drained(busy_database)
            await engine.dispose()
        figures = audit(committed, await everything(broker.address, topic))
        tell(f"PostgreSQL away, drained {seconds} seconds after it was back", figures)
        assert (figures.lost, figures.phantoms, figures.inversions) == (0, 0, 0)
        assert await attempts(busy_database) == 0
        told = [line["event"] for line in log_lines() if line.get("loop") == "relay"]
        assert told == ["waiting", "back to work"]
        assert [line["event"] for line in log_lines() if "exception" in line] == []

    @pytest.mark.usefixtures("short_batches")
    async def test_together_with_the_broker_lets_nothing_arrive_that_was_given_up(
        self, trouble: Settings, busy_database: Database, broker: Broker, log_lines: Lines
    ) -> None:
        topic = own_name()
        async with gated_database(trouble) as (through, gate):
            engine = create_engine(through)
            async with running(relay_of(through, database(engine))):
                await commit(busy_database, topic, "a", -1)
                await drained(busy_database)
                broker.take_down()
                await commit_many(busy_database, topic, 100)
                await until(lambda: leased(busy_database))
                await gate.shut()
                await until(lambda: is_told(log_lines, "waiting"))
                broker.bring_up()
                await asyncio.sleep(1)  # a sender that is at work tries ten times
                heard = await everything(broker.address, topic)
                assert [number_of(message) for message in heard] == [-1]
                await gate.open()
                await drained(busy_database)
            await engine.dispose()

    @pytest.mark.kafka
    async def test_for_a_moment_again_and_again_loses_nothing(
        self, busy_settings: Settings, other_database: Database
    ) -> None:
        topic = own_name()
        engines = [create_engine(busy_settings) for _ in range(2)]
        committed: defaultdict[str, list[int]] = defaultdict(list)
        async with running(*(relay_of(busy_settings, database(engine)) for engine in engines)):
            for number in range(5):
                more = await commit_many(other_database, topic, 200, first=number * 200)
                for key, numbers in more.items():
                    committed[key] += numbers
                await until(lambda: value(other_database, TERMINATE))
            await drained(other_database, 30)
        for engine in engines:
            await engine.dispose()
        figures = audit(committed, await everything(busy_settings.kafka_servers, topic))
        tell("connections to PostgreSQL cut five times", figures)
        assert (figures.lost, figures.phantoms, figures.inversions) == (0, 0, 0)
