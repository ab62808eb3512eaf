"""Redis is cut off between a change and what the cache hears of it: soon all is fresh again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis import asyncio as aioredis
from yarl import URL

import monolith
from embedded import kafka
from kit.cache import Cache
from kit.db import Database
from kit.settings import Settings
from kit.worker import working
from tests.conftest import Serve
from tests.kit.events import tell, until
from tests.kit.gates import Gate
from tests.support.clients import problem
from tests.support.shops import rows
from tests.users.cards import People, gather_people, rename
from tests.users.conftest import House
from tests.users.naive_caches import without_doubt

pytestmark = pytest.mark.concurrent

FRESH_WITHIN = 5.0  # seconds, by the promise
PATIENCE = 30.0  # seconds
HEARD = """
SELECT attempts, last_error, handled_at IS NOT NULL AS handled,
    next_at > created_at + interval '2 seconds' AS tried_twice
FROM inbox WHERE event_type = 'user.changed' ORDER BY id
"""


@asynccontextmanager
async def gated_redis(settings: Settings) -> AsyncIterator[tuple[Settings, Gate]]:
    """Lead to Redis through a gate."""
    url = URL(settings.redis_url)
    assert url.port is not None
    gate = Gate(url.port)
    await gate.open()
    try:
        yield replace(settings, redis_url=str(url.with_port(gate.port))), gate
    finally:
        await gate.shut()


def cut_before_settling(patch: pytest.MonkeyPatch, gate: Gate) -> None:
    """Shut the way to Redis when a change has been committed and the cache is to hear of it."""
    genuine = Cache._try

    async def cut(cache: Cache, script: Any, *args: Any) -> None:
        if script is cache._settle:
            await gate.shut()
        await genuine(cache, script, *args)

    patch.setattr(Cache, "_try", cut)


async def change_and_cut(people: People, gate: Gate) -> None:
    """Change a card that is cached; Redis is away from the commit on."""
    assert await people.read() == ["First", "First"]
    with pytest.MonkeyPatch.context() as patch:
        cut_before_settling(patch, gate)
        await rename(people.writer, "Second")
    for reader in people.readers:
        await problem(await reader.get(people.address), 503, "sessions-unavailable")


async def shown(people: People) -> set[str]:
    """Return the first names that the workers show, "" for one that cannot tell yet."""
    answers = [await reader.get(people.address) for reader in people.readers]
    assert {answer.status for answer in answers} <= {200, 503}
    return {(await answer.json()).get("first_name", "") for answer in answers}


@pytest.fixture
async def cuttable(
    busy_settings: Settings, busy_database: Database, serve: Serve
) -> AsyncIterator[tuple[House, Gate, Settings]]:
    """Serve two workers whose way to Redis can be shut."""
    async with gated_redis(busy_settings) as (through, gate):
        house = House((await serve(through, None), await serve(through, None)), busy_database)
        yield house, gate, through
        for client in house.made:
            await client.close()


Cuttable = tuple[House, Gate, Settings]


class TestWithoutAnyWorker:
    async def test_the_doubt_keeps_the_older_card_away(self, cuttable: Cuttable) -> None:
        house, gate, _ = cuttable
        people = await gather_people(house)
        await rename(people.writer, "First")
        await change_and_cut(people, gate)
        await gate.open()
        seen: set[str] = set()

        async def is_fresh() -> bool:
            now = await shown(people)
            seen.update(now)
            return now == {"Second"}

        seconds = await until(is_fresh, FRESH_WITHIN)
        tell("fresh after Redis came back, no worker running, seconds", round(seconds, 3))
        assert seen <= {"Second", ""}
        await rename(people.writer, "Third")
        assert await people.read() == ["Third", "Third"]

    async def test_shows_the_loss_without_the_doubt(
        self, cuttable: Cuttable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Cache, "changing", without_doubt)
        house, gate, _ = cuttable
        people = await gather_people(house)
        await rename(people.writer, "First")
        await change_and_cut(people, gate)
        await gate.open()
        assert "First" in await shown(people)


class TestThroughTheOutbox:
    async def test_a_worker_repairs_it_and_an_absent_redis_uses_up_no_tries(
        self, cuttable: Cuttable, redis: aioredis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Cache, "changing", without_doubt)
        house, gate, settings = cuttable
        people = await gather_people(house)

        async def heard(wanted: list[bool]) -> bool:
            return [row["handled"] for row in await rows(house.database, HEARD)] == wanted

        async def tried_twice() -> bool:
            return bool((await rows(house.database, HEARD))[-1]["tried_twice"])

        async def is_fresh() -> bool:
            return await shown(people) == {"Second"}

        with kafka.server() as broker:  # of its own: another house's events would do it as well
            own = replace(settings, kafka_servers=broker.address)
            async with working(own, monolith.TOPICS, monolith.create_handlers):
                await rename(people.writer, "First")
                await until(lambda: heard([True]), PATIENCE)
                await change_and_cut(people, gate)
                await until(lambda: heard([True, False]), PATIENCE)
                await until(tried_twice, PATIENCE)
                waiting = (await rows(house.database, HEARD))[-1]
                assert b"First" in (await redis.hget(people.key, "body") or b"")
                await gate.open()
                seconds = await until(is_fresh, FRESH_WITHIN)
                await until(lambda: heard([True, True]), PATIENCE)
        tell("fresh after Redis came back, through the outbox, seconds", round(seconds, 3))
        tell("what the inbox said while Redis was away", waiting)
        assert waiting["attempts"] == 0
        assert [row["attempts"] for row in await rows(house.database, HEARD)] == [0, 0]
