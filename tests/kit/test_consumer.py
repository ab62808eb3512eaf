"""The consumer: each event is handled once per event id, in one transaction with its inbox row."""

import asyncio
import uuid

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

import applications.events
import monolith
from kit.consumer import Consumer, Event
from kit.db import Database
from kit.settings import Settings
from kit.topics import Topics
from tests.kit.conftest import Lines, VisitAt
from tests.kit.events import (
    PATIENCE,
    commit_many,
    drained,
    only_real,
    own_name,
    publishing,
    relay_of,
    running,
    until,
)
from tests.kit.hearing import Ear, publish
from tests.support.keys import APPLICATIONS, application
from tests.support.shops import rows, run, value

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quick_groups")]

LAST = 999
INBOX = "SELECT count(*) FROM inbox"


@pytest.fixture
async def ear(busy_settings: Settings, busy_database: Database) -> Ear:
    """Hear a topic of this test's own."""
    return await Ear(busy_settings, busy_database).prepare()


class TestEvent:
    async def test_is_handled_once_though_it_comes_twice(self, ear: Ear) -> None:
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            for number in (1, 2, 3):
                event_id = uuid.uuid4()
                for _ in range(2):
                    await publish(producer, ear.topic, "a", number, event_id)
            await publish(producer, ear.topic, "a", 1)  # the same news under another id
            await publish(producer, ear.topic, "a", LAST)
            await ear.has(LAST)
        assert await ear.effects() == [1, 2, 3, 1, LAST]
        assert ear.tries == {1: 2, 2: 1, 3: 1, LAST: 1}
        assert await value(ear.database, INBOX) == 5

    async def test_is_handled_once_though_its_offset_was_not_committed(
        self, ear: Ear, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def crash(*_: object) -> None:
            """Commit nothing."""

        async with publishing(ear.settings.kafka_servers) as producer:
            for number in range(20):
                await publish(producer, ear.topic, str(number % 3), number)
            with monkeypatch.context() as patch:
                patch.setattr(Consumer, "_commit", crash)
                async with running(ear.consumer()):
                    await ear.has(*range(20))
            async with running(ear.consumer()):  # hears all of them again
                for key in "012":
                    await publish(producer, ear.topic, key, LAST)
                await until(lambda: count_is(ear, 23))
        assert sorted(await ear.effects()) == [*range(20), LAST, LAST, LAST]
        for rest in range(3):
            numbers = [number for number in range(20) if number % 3 == rest]
            assert await ear.effects(str(rest)) == [*numbers, LAST]

    async def test_is_not_heard_again_after_a_restart(self, ear: Ear) -> None:
        async with publishing(ear.settings.kafka_servers) as producer:
            await publish(producer, ear.topic, "a", 1)
            async with running(ear.consumer()):
                await ear.has(1)
            await run(ear.database, "DELETE FROM inbox")  # only the offset tells
            await publish(producer, ear.topic, "a", LAST)
            async with running(ear.consumer()):
                await ear.has(LAST)
        assert await ear.effects() == [1, LAST]


async def count_is(ear: Ear, count: int) -> bool:
    """Tell whether that many effects were had."""
    return len(await ear.effects()) == count


@only_real  # it refuses who synchronises after the leader of its group
class TestTwoConsumers:
    async def test_of_a_group_handle_each_event_once_and_in_order(
        self, ear: Ear, other_database: Database
    ) -> None:
        committed = await commit_many(ear.database, ear.topic, 300, keys=20)
        async with running(relay_of(ear.settings, ear.database), ear.consumer()):
            await until(lambda: some(ear))
            async with running(ear.consumer(other_database)):  # joins in the middle
                more = await commit_many(ear.database, ear.topic, 300, keys=20, first=300)
                await drained(ear.database)
                await ear.has(*range(600), seconds=30)
        assert sorted(await ear.effects()) == list(range(600))
        for key, numbers in committed.items():
            assert await ear.effects(key) == [*numbers, *more[key]]


async def some(ear: Ear) -> bool:
    """Tell whether any effect was had."""
    return bool(await ear.effects())


class TestTransaction:
    async def test_holds_the_effect_and_the_row_of_the_inbox(self, ear: Ear) -> None:
        ear.failing = {1}
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1)
            await publish(producer, ear.topic, "b", 2)
            await ear.has(2)
        assert ear.tries[1] >= 1
        assert await ear.effects() == [2]  # the other one was taken back
        failed, handled = await rows(ear.database, "SELECT * FROM inbox ORDER BY key")
        assert (failed["handled_at"], failed["payload"]) == (None, b'{"number":1}')
        assert failed["last_error"] == "BadLuck: 1"
        assert handled["handled_at"] is not None
        assert (handled["payload"], handled["attempts"], handled["last_error"]) == (None, 0, None)

    async def test_is_taken_back_when_the_consumer_is_cancelled(self, ear: Ear) -> None:
        is_there, genuine = asyncio.Event(), ear.handle

        async def handle(session: AsyncSession, event: Event) -> None:
            await genuine(session, event)
            is_there.set()
            await asyncio.Event().wait()

        async with publishing(ear.settings.kafka_servers) as producer:
            await publish(producer, ear.topic, "a", 1)
            ear.handle = handle  # type: ignore[method-assign]
            async with running(ear.consumer()) as (task,):
                await asyncio.wait_for(is_there.wait(), PATIENCE)
                task.cancel()
            assert (await ear.effects(), await value(ear.database, INBOX)) == ([], 0)
            ear.handle = genuine  # type: ignore[method-assign]
            async with running(ear.consumer()):
                await ear.has(1)
        assert await ear.effects() == [1]


class TestLog:
    async def test_names_the_request_that_began_it(self, ear: Ear, log_lines: Lines) -> None:
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1, request_id="request-17")
            await publish(producer, ear.topic, "a", 2)
            await ear.has(1, 2)
        lines = [line for line in log_lines() if line["event"] == "heard"]
        assert [line.get("request_id") for line in lines] == ["request-17", None]

    async def test_tells_that_an_application_has_made_its_way(
        self,
        visit_at: VisitAt,
        busy_settings: Settings,
        busy_database: Database,
        log_lines: Lines,
    ) -> None:
        known = Topics(busy_settings, monolith.TOPICS)
        consumer = Consumer(
            busy_settings, busy_database, known, own_name(), applications.events.HANDLERS
        )
        guest = await visit_at(busy_settings, busy_database)
        answer = await guest.post(
            APPLICATIONS, json=application(), headers={"X-Request-ID": (name := own_name())}
        )
        made = (await answer.json())["id"]

        async def is_told() -> bool:
            return bool(received())

        def received() -> list[int]:
            lines = [line for line in log_lines() if line["event"] == "application received"]
            return [x["application_id"] for x in lines if x.get("request_id") == name]

        async with running(relay_of(busy_settings, busy_database), consumer):
            await until(is_told)
        assert received() == [made]
