"""While something that handlers need is away, their events wait, and no try is used up."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from redis import exceptions as redis
from sqlalchemy.ext.asyncio import AsyncSession

from kit.cache import Cache
from kit.consumer import Event, Handlers
from kit.db import Database
from kit.errors import Away
from kit.parking import TRIES
from kit.redis import create_redis
from kit.settings import Settings
from kit.smtp import MailAway
from kit.worker import working
from tests.kit.conftest import Lines
from tests.kit.events import STOP_LIMIT, TYPE, publishing, running, tell, until
from tests.kit.gates import silent_server
from tests.kit.hearing import BadLuck, Ear, publish
from tests.support.shops import rows

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quick_groups", "quick_rounds")]


@dataclass
class Needy(Ear):
    """Hear a topic; events of the keys `needy...` need what is away while `error` is set."""

    error: Exception | None = None
    asked: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def handle(self, session: AsyncSession, event: Event) -> None:
        """Have an effect first, which must not stay when the handler fails."""
        self.asked[event.key].append(time.monotonic())
        await super().handle(session, event)
        if self.error is not None and event.key.startswith("needy"):
            raise self.error

    async def was_asked(self, key: str, times: int) -> None:
        """Wait until an event of a key was tried so often."""

        async def has_been() -> bool:
            return len(self.asked[key]) >= times

        await until(has_been)


@pytest.fixture
def quick_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the consumer look more often for what is due."""
    monkeypatch.setattr("kit.consumer.LISTEN", 20)


@pytest.fixture
async def ear(busy_settings: Settings, busy_database: Database) -> Needy:
    """Hear a topic of this test's own."""
    ear = Needy(busy_settings, busy_database)
    await ear.prepare()
    return ear


async def kept(ear: Ear) -> list[tuple[str, int, bool]]:
    """Return key, used tries and parked or not of each event that is not handled, by key."""
    query = "SELECT * FROM inbox WHERE handled_at IS NULL ORDER BY key, id"
    found = await rows(ear.database, query)
    return [(row["key"], row["attempts"], row["dead_at"] is not None) for row in found]


class TestNeedAway:
    @pytest.mark.parametrize(
        "error",
        [
            *(redis.ConnectionError("x"), redis.TimeoutError("x")),
            *(Away("x"), MailAway("x")),
        ],
        ids=repr,
    )
    async def test_uses_up_no_try_however_often(
        self,
        ear: Needy,
        error: Exception,
        log_lines: Lines,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("kit.fates.AGAIN", timedelta(milliseconds=10))
        ear.error = error
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            for number, key in [(1, "needy"), (2, "other"), (3, "needy")]:
                await publish(producer, ear.topic, key, number)
            await ear.was_asked("needy", TRIES + 3)
            await publish(producer, ear.topic, "other", 4)
            await ear.has(2, 4)
            assert await kept(ear) == [("needy", 0, False)] * 2
            ear.error = None
            await ear.has(1, 3)
        assert await ear.effects("needy") == [1, 3]
        assert await ear.effects("other") == [2, 4]
        assert ear.tries[3] == ear.tries[2] == ear.tries[4] == 1
        assert await kept(ear) == []
        told = [line["event"] for line in log_lines() if line["event"] != "heard"]
        assert [event for event in told if event != "topics not made"] == ["event failed"]

    async def test_is_asked_for_again_about_each_second(self, ear: Needy) -> None:
        ear.error = redis.ConnectionError("x")
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "needy", 1)
            await ear.was_asked("needy", 3)
            ear.error, back = None, time.monotonic()
            await ear.has(1)
        times = ear.asked["needy"]
        pauses = [later - sooner for sooner, later in pairwise(times)]
        tell("pauses between two tries, in seconds", [round(pause, 2) for pause in pauses])
        tell("handled after it was back, in seconds", round(times[-1] - back, 2))
        assert min(pauses) >= 0.9
        assert sorted(pauses)[1] <= 3

    async def test_does_not_keep_other_failures_from_being_parked(
        self, ear: Needy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.parking.LONGEST_WAIT", 0.05)
        ear.error, ear.failing = redis.ConnectionError("x"), {2}
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            for number, key in [(1, "needy"), (2, "poison"), (3, "poison")]:
                await publish(producer, ear.topic, key, number)
            await ear.has(3)
            assert await kept(ear) == [("needy", 0, False), ("poison", TRIES, True)]
        assert ear.tries[2] == TRIES

    async def test_does_not_give_tries_back(
        self, ear: Needy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.fates.AGAIN", timedelta(milliseconds=10))
        monkeypatch.setattr("kit.parking.LONGEST_WAIT", 0.05)
        ear.error = BadLuck("x")
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            await publish(producer, ear.topic, "needy", 1)
            await ear.was_asked("needy", 3)
            ear.error = redis.ConnectionError("x")
            await ear.was_asked("needy", 8)
            ((_, used, parked),) = await kept(ear)
            ear.error = BadLuck("x")
            await until(lambda: is_parked(ear))
        assert (2 <= used < TRIES, parked) == (
            True,
            False,
        )  # the third may have met the other error
        assert ear.tries[1] > TRIES


async def is_parked(ear: Ear) -> bool:
    """Tell whether something has used up its ten tries."""
    return await ear.parked() == [TRIES]


class TestEnd:
    async def test_comes_soon_though_many_wait(self, ear: Needy) -> None:
        ear.error = redis.ConnectionError("x")
        async with publishing(ear.settings.kafka_servers) as producer, running(ear.consumer()):
            for number in range(50):
                await publish(producer, ear.topic, f"needy-{number}", number)
            await ear.was_asked("needy-49", 1)
            started = time.monotonic()
        tell("a consumer left while 50 events waited, in seconds", time.monotonic() - started)
        assert time.monotonic() - started < 5
        assert [attempts for _, attempts, _ in await kept(ear)] == [0] * 50

    async def test_of_a_worker_comes_soon_though_redis_is_frozen(
        self, ear: Needy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.worker.GRACE", 1.0)
        async with silent_server() as address:
            settings = replace(ear.settings, redis_url=f"redis://{address}/0")
            client = create_redis(settings)
            async with publishing(ear.settings.kafka_servers) as producer:
                for number in range(20):
                    await publish(producer, ear.topic, f"needy-{number}", number)
                async with working(settings, [ear.topic], outdating(ear, Cache(client))):
                    await ear.was_asked("any", 1)
                    started = time.monotonic()
            tell("a worker left, Redis frozen, in seconds", time.monotonic() - started)
            await client.aclose()
        assert time.monotonic() - started < STOP_LIMIT
        assert {attempts for _, attempts, _ in await kept(ear)} <= {0}


def outdating(ear: Needy, cache: Cache) -> Callable[..., Handlers]:
    """Ask Redis on hearing of anything."""

    async def handle(_: AsyncSession, event: Event) -> None:
        ear.asked["any"].append(time.monotonic())
        await cache.outdate("user/1", event.payload["number"])

    return lambda *_: {(ear.topic, TYPE): handle}
