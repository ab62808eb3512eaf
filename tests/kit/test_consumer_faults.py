"""Events that fail are tried again, wait only for their own key, and block nobody for good."""

import uuid

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kit.consumer import Event
from kit.db import Database
from kit.inbox import InboxRow
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import TYPE, publishing, running, until
from tests.kit.hearing import Ear, headers_of, publish
from tests.support.shops import value

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quick_groups", "quick_tries")]

LAST = 999
SOON = 5.0  # seconds
ID = str(uuid.uuid4()).encode()
GOOD = b'{"number": 1}'

# key, value, headers -> what a foreign publisher may send
FOREIGN: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = {
    "JSON is broken": (b"k", b'{"number": ', [("event_id", ID), ("event_type", TYPE.encode())]),
    "no value": (b"k", None, [("event_id", ID), ("event_type", TYPE.encode())]),
    "no object": (b"k", b"17", [("event_id", ID), ("event_type", TYPE.encode())]),
    "no event_id": (b"k", GOOD, [("event_type", TYPE.encode())]),
    "event_id is none": (b"k", GOOD, [("event_id", b"17"), ("event_type", TYPE.encode())]),
    "event_id is null": (b"k", GOOD, [("event_id", None), ("event_type", TYPE.encode())]),
    "unknown event_type": (b"k", GOOD, [("event_id", ID), ("event_type", b"other")]),
    "no headers": (b"k", GOOD, []),
    "no text": (b"\xff\xfe", b"\xff", [("event_id", b"\xff"), ("event_type", TYPE.encode())]),
    "no key": (None, GOOD, [("event_id", ID), ("event_type", TYPE.encode())]),
    "empty key": (b"", GOOD, [("event_id", ID), ("event_type", TYPE.encode())]),
    "long key": (b"k" * 5000, GOOD, [("event_id", ID), ("event_type", TYPE.encode())]),
    "NUL in the key": (b"\x00", GOOD, [("event_id", ID), ("event_type", TYPE.encode())]),
    "NUL in the request_id": (
        b"k",
        GOOD,
        [("event_id", ID), ("event_type", TYPE.encode()), ("request_id", b"\x00")],
    ),
    "header twice": (b"k", GOOD, [("event_id", ID), *headers_of()]),
}
HANDLED = {"no event_id", "event_id is none", "event_id is null", "no key", "empty key"}
HANDLED |= {"long key", "NUL in the key", "NUL in the request_id", "header twice"}


@pytest.fixture
async def ear(busy_settings: Settings, busy_database: Database) -> Ear:
    """Hear a topic of this test's own."""
    return await Ear(busy_settings, busy_database).prepare()


class TestForeignMessage:
    @pytest.mark.parametrize("what", FOREIGN)
    async def test_is_survived(self, ear: Ear, what: str) -> None:
        key, said, headers = FOREIGN[what]
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await producer.send_and_wait(ear.topic, said, key=key, headers=headers, partition=0)
            for partition in range(3):
                await publish(producer, ear.topic, "good", LAST, partition=partition)
            await until(lambda: comes_through(ear, 3), SOON)
        handled = [number for number in await ear.effects() if number != LAST]
        assert handled == ([1] if what in HANDLED else [])


async def comes_through(ear: Ear, count: int) -> bool:
    """Tell whether so many of the last events were handled."""
    return (await ear.effects()).count(LAST) == count


class TestFailure:
    async def test_holds_up_only_its_own_key(self, ear: Ear) -> None:
        failing = ear.failing = {1}
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            for number, key in [(1, "a"), (2, "a"), (3, "b"), (4, "a")]:
                await publish(producer, ear.topic, key, number)
            await ear.has(3)
            await until(lambda: tried(ear, 1, times=3))
            assert await ear.effects() == [3]
            failing.clear()
            await ear.has(1, 2, 4)
        assert await ear.effects("a") == [1, 2, 4]
        assert ear.tries[2] == ear.tries[3] == ear.tries[4] == 1
        assert await ear.waiting() == 0
        kept = "SELECT count(payload) FROM inbox"  # what was handled is forgotten
        assert await value(ear.database, kept) == 0

    async def test_is_parked_after_ten_tries_and_lets_its_key_go_on(
        self, ear: Ear, log_lines: Lines
    ) -> None:
        ear.failing = {1}
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            for number in (1, 2):
                await publish(producer, ear.topic, "a", number)
            await ear.has(2)
            assert await ear.parked() == [10]
            assert ear.tries == {1: 10, 2: 1}
            (line,) = [line for line in log_lines() if line["event"] == "event parked"]
            assert (line["level"], line["cause"]) == ("error", "BadLuck: 1")
            ear.failing = ()
            async with ear.database.writing() as session:
                assert await InboxRow.retry(session, [line["inbox_id"]]) == [line["inbox_id"]]
            await ear.has(1)
        assert await ear.effects() == [2, 1]

    async def test_survives_a_restart(self, ear: Ear) -> None:
        ear.failing = {1}
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1)
            await publish(producer, ear.topic, "a", 2)
            await until(lambda: tried(ear, 1, times=2))
            await until(lambda: waiting(ear, 2))
        ear.failing = ()
        async with running(ear.consumer()):
            await ear.has(1, 2)
        assert await ear.effects() == [1, 2]

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("\x00"),
            ValueError("\ud800"),
            TimeoutError("of a third party"),
            ConnectionRefusedError("of a third party"),
        ],
        ids=repr,
    )
    async def test_of_any_kind_blocks_nobody_else(self, ear: Ear, error: Exception) -> None:
        genuine = ear.handle

        async def handle(session: AsyncSession, event: Event) -> None:
            if event.key == "a":
                raise error
            await genuine(session, event)

        ear.handle = handle  # type: ignore[method-assign]
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "a", 1)
            await publish(producer, ear.topic, "b", 2)
            await ear.has(2, seconds=SOON)
            await until(lambda: parks(ear), SOON)


async def tried(ear: Ear, number: int, times: int) -> bool:
    """Tell whether an event was tried so often."""
    return ear.tries[number] >= times


async def waiting(ear: Ear, count: int) -> bool:
    """Tell whether so many events wait."""
    return await ear.waiting() == count


async def parks(ear: Ear) -> bool:
    """Tell whether something is parked."""
    return bool(await ear.parked())
