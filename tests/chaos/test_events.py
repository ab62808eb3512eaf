"""Every committed event arrives, in order per key, whatever is killed (promises 8 and 17)."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from kit import outbox
from kit.db import Database
from kit.settings import Settings
from tests.chaos.brokers import Broker
from tests.chaos.traffic import Figures, Reader, Traffic, reading
from tests.support.processes import ShopApi
from tests.support.shops import rows, value

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

Begin = Callable[[], ShopApi]
Drained = Callable[[float], Awaitable[float]]
RATE = 50.0  # events a second


async def arrived(reader: Reader, traffic: Traffic) -> Figures:
    """Wait until the reader has everything, or has had the time for it."""
    for _ in range(100):
        figures = reader.figures(traffic.committed)
        if not figures.lost:
            return figures
        await asyncio.sleep(0.1)
    return reader.figures(traffic.committed)


def tell(scenario: str, figures: Figures, **more: object) -> None:
    """Print the figures of a scenario."""
    print(f"\n{scenario}: {figures} {more or ''}")  # noqa: T201 - it is what `make chaos` is for


async def test_two_relays_at_a_steady_rate(
    chaos_settings: Settings, busy_database: Database, begin_worker: Begin, drained: Drained
) -> None:
    traffic = Traffic()
    begin_worker()
    begin_worker()
    async with reading(chaos_settings.kafka_servers, traffic.topic) as reader:
        await traffic.write(busy_database, per_second=5, seconds=3)  # the topic is made
        await drained(30)
        await arrived(reader, traffic)
        reader.messages.clear()
        traffic.committed.clear()
        await traffic.write(busy_database, per_second=RATE, seconds=30)
        await drained(10)
        figures = await arrived(reader, traffic)
    tell("steady, two relays", figures, taken_back=traffic.taken_back)
    assert (figures.faults, figures.duplicates) == (0, 0)
    assert figures.lag_p99 <= 1.0


async def test_relays_are_killed(
    chaos_settings: Settings, busy_database: Database, begin_worker: Begin, drained: Drained
) -> None:
    traffic, workers, kills = Traffic(), [begin_worker(), begin_worker()], 0
    async with reading(chaos_settings.kafka_servers, traffic.topic) as reader:
        writing = asyncio.create_task(
            traffic.write(busy_database, per_second=4 * RATE, seconds=40)
        )
        while not writing.done():
            await asyncio.sleep(random.uniform(1.5, 3.5))
            victim = random.randrange(2)
            workers[victim].process.kill()
            workers[victim].process.wait()
            workers[victim] = begin_worker()
            kills += 1
        await writing
        seconds = await drained(40)
        figures = await arrived(reader, traffic)
    tell("kill -9 of relays", figures, kills=kills, drained_after=seconds)
    assert figures.faults == 0
    assert figures.lag_max <= 30


@pytest.mark.parametrize("from_the_start", [True, False])
async def test_broker_is_away(
    chaos_settings: Settings,
    busy_database: Database,
    broker: Broker,
    begin_worker: Begin,
    drained: Drained,
    from_the_start: bool,
) -> None:
    traffic = Traffic()
    if from_the_start:
        broker.take_down()
    begin_worker()
    begin_worker()
    if not from_the_start:
        await traffic.write(busy_database, per_second=RATE, seconds=5)
        broker.take_down()
    await traffic.write(busy_database, per_second=200, seconds=10)
    tried = await value(busy_database, "SELECT coalesce(max(attempts), 0) FROM outbox")
    broker.bring_up()
    seconds = await drained(30)
    async with reading(chaos_settings.kafka_servers, traffic.topic) as reader:
        figures = await arrived(reader, traffic)
    tell("broker away", figures, from_the_start=from_the_start, drained_in=seconds, tried=tried)
    assert figures.faults == 0
    assert tried == 0
    assert seconds <= 10


async def test_poison_rows(
    chaos_settings: Settings, busy_database: Database, begin_worker: Begin, drained: Drained
) -> None:
    traffic = Traffic()
    begin_worker()
    begin_worker()
    async with reading(chaos_settings.kafka_servers, traffic.topic) as reader:
        writing = asyncio.create_task(traffic.write(busy_database, per_second=RATE, seconds=30))
        for number in range(5):
            async with busy_database.writing() as session:
                poison = {"too": "long" * 300_000}
                await outbox.record(session, traffic.topic, f"p{number}", "chaos.poison", poison)
            await asyncio.sleep(1)
        await writing
        seconds = await drained(120)
        figures = await arrived(reader, traffic)
    parked = await rows(busy_database, "SELECT attempts FROM outbox WHERE dead_at IS NOT NULL")
    tell("poison rows", figures, parked=parked, drained_after=seconds)
    assert (figures.faults, figures.duplicates) == (0, 0)
    assert [row["attempts"] for row in parked] == [10] * 5
    assert figures.lag_p99 <= 2.0
