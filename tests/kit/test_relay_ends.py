"""A relay that is stopped, cancelled or dead leaves its rows to others, and leaves soon."""

import asyncio
import time
from collections import defaultdict
from datetime import timedelta

import pytest

from embedded.kafka import Broker
from kit import outbox
from kit.db import Database
from kit.settings import Settings
from tests.kit.events import (
    STOP_LIMIT,
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
from tests.kit.exchange import Figures, audit, everything, number_of
from tests.support.shops import value


async def end(task: asyncio.Task[None], stop: asyncio.Event, how: str) -> float:
    """End a loop by its event or by cancelling; return how many seconds that took."""
    started = time.monotonic()
    if how == "event":
        stop.set()
    else:
        task.cancel()
    _, late = await asyncio.wait([task], timeout=30)
    assert not late
    assert task.cancelled() or task.exception() is None
    return time.monotonic() - started


class TestCancelledRelay:
    async def test_gives_its_rows_to_another_one(
        self,
        trouble: Settings,
        busy_database: Database,
        broker: Broker,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("kit.relay.END_LIMIT", 20.0)  # on a busy machine it takes its time
        topic = own_name()
        committed = await commit_many(busy_database, topic, 300)
        broker.slow_down(300)
        doomed = asyncio.create_task(relay_of(trouble, busy_database).run(asyncio.Event()))
        sent = "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL"
        await until(lambda: value(busy_database, sent))
        await until(lambda: leased(busy_database))
        await end(doomed, asyncio.Event(), "cancel")
        assert await leased(busy_database) == 0
        broker.slow_down(0)
        async with running(relay_of(trouble, busy_database)):
            await drained(busy_database, 5)  # less than a lease lasts
        heard = await everything(broker.address, topic)
        figures = audit(committed, heard)
        tell("a relay was cancelled", figures)
        assert (figures.lost, figures.phantoms, figures.inversions) == (0, 0, 0)
        event_ids = defaultdict(set)
        for message in heard:
            event_ids[number_of(message)].add(dict(message.headers)["event_id"])
        assert {len(ids) for ids in event_ids.values()} == {1}


class TestDeadRelay:
    @pytest.mark.kafka
    async def test_is_survived_by_others_when_its_lease_expires(
        self, busy_settings: Settings, busy_database: Database
    ) -> None:
        topic = own_name()
        committed = await commit_many(busy_database, topic, 40, keys=20)
        lease = timedelta(seconds=1)
        async with busy_database.writing() as session:
            assert len(await outbox.claim(session, "dead", lease, 20)) == 20
        expiry = await value(busy_database, "SELECT max(lease_until) FROM outbox")
        async with running(*(relay_of(busy_settings, busy_database) for _ in range(2))):
            await drained(busy_database)
        # what is behind the rows of the dead had to wait, too
        assert await value(busy_database, "SELECT min(published_at) FROM outbox") > expiry
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit(committed, heard) == Figures(sent=40, received=40)

    @pytest.mark.kafka
    async def test_takes_no_row_back_that_another_one_has_by_now(
        self, busy_settings: Settings, busy_database: Database
    ) -> None:
        topic = own_name()
        committed = await commit_many(busy_database, topic, 10, keys=5)
        async with busy_database.writing() as session:
            await outbox.claim(session, "frozen", timedelta(0), 10)
        async with running(relay_of(busy_settings, busy_database)):
            await drained(busy_database)
            async with busy_database.writing() as session:  # it thaws
                await outbox.release(session, list(range(1, 11)), "frozen")
                await outbox.publish(session, list(range(1, 11)))
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit(committed, heard) == Figures(sent=10, received=10)


class TestEnd:
    @pytest.mark.parametrize(
        ("when", "how"),
        [
            ("never there", "event"),
            ("never there", "cancel"),
            ("gone while sent to", "cancel"),
            ("frozen while sent to", "cancel"),
        ],
    )
    async def test_comes_soon_while_the_broker_is_away(
        self, trouble: Settings, busy_database: Database, broker: Broker, when: str, how: str
    ) -> None:
        topic, stop, before = own_name(), asyncio.Event(), asyncio.all_tasks()
        if when == "never there":
            broker.take_down()
            await commit_many(busy_database, topic, 300)
        task = asyncio.create_task(relay_of(trouble, busy_database).run(stop))
        if when != "never there":
            await commit(busy_database, topic, "a", -1)
            await drained(busy_database)
            broker.slow_down(60_000 if "frozen" in when else 300)
            await commit_many(busy_database, topic, 300)
            await until(lambda: leased(busy_database))
        if "gone" in when:
            broker.take_down()
        await asyncio.sleep(0.1)
        seconds = await end(task, stop, how)
        tell(f"broker {when}, end by {how}, in seconds", seconds)
        assert seconds <= STOP_LIMIT
        assert await leased(busy_database) == 0
        assert asyncio.all_tasks() == before
