"""Two workers over one Redis: of each place only one asks; what lies there ends by itself."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from redis import asyncio as aioredis

from picnic.weather.forecasts import ASKING, FAILED, FRESH, KEPT, Forecasts, key
from picnic.weather.protocol import Coordinates
from tests.kit.events import until
from tests.picnic import forecasting
from tests.picnic.forecasting import (
    LATE,
    MANY,
    NAIVE,
    Employ,
    Station,
    at_once,
    has_begun,
    mark,
    pass_by,
    places,
    settled,
    temperatures,
    timed,
)

station, employ, forecasts = forecasting.station, forecasting.employ, forecasting.forecasts
patient = forecasting.patient

pytestmark = pytest.mark.usefixtures("patient")

RUBBISH: dict[str, str | bytes] = {
    "nothing": "",
    "a word": "warm",
    "one number": "20.5",
    "three numbers": "20.5 1767323045 1",
    "bytes": b"\xff\xfe\x00",
    "no number": "x 1767323045",
    "no whole seconds": "20.5 1767323045.5",
    "beyond all years": "20.5 99999999999999",
    "nan": "nan 1767323045",
    "infinite": "inf 1767323045",
    "beyond all floats": "1e999 1767323045",
    "beyond all numbers": "20.5 " + "9" * 5000,
}


@pytest.fixture
def workers(employ: Employ) -> list[Forecasts]:
    """Give the forecasts of two workers."""
    return [employ(), employ()]


class TestOneCall:
    async def test_is_made_for_many_lists_of_both(
        self, workers: list[Forecasts], station: Station
    ) -> None:
        known = await at_once(workers, places(20))
        assert known.keys() == set(places(20))
        assert station.calls == [places(20)]

    async def test_is_made_of_each_place_though_all_want_others(
        self, workers: list[Forecasts], station: Station
    ) -> None:
        visits = [workers[n % 2].of(places(10, n % 40)) for n in range(MANY)]
        await asyncio.gather(*visits)
        for worker in workers:
            await until(partial(settled, worker))
        assert station.asked == dict.fromkeys(places(49), 1)

    async def test_is_made_again_by_one_after_ten_minutes(
        self, workers: list[Forecasts], station: Station, redis: aioredis.Redis
    ) -> None:
        await at_once(workers, places(1), 2)
        station.temperature = 21.5
        await pass_by(redis, mark(places(1)[0]), FRESH)
        assert temperatures(await at_once(workers, places(1))) == {21.5}
        assert station.calls == [places(1)] * 2

    async def test_is_made_again_by_one_five_seconds_after_a_failure(
        self, workers: list[Forecasts], station: Station, redis: aioredis.Redis
    ) -> None:
        station.is_away = True
        assert await at_once(workers, places(2)) == {}
        assert (await at_once(workers, places(2)), len(station.calls)) == ({}, 1)
        station.is_away = False
        for place in places(2):
            await pass_by(redis, mark(place), FAILED)
        assert temperatures(await at_once(workers, places(2))) == {20.5}
        assert len(station.calls) == 2

    async def test_is_one_of_many_without_a_mark(
        self, employ: Employ, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("picnic.weather.forecasts.LOOK", NAIVE)
        await at_once([employ(), employ()], places(20), 20)
        assert min(station.asked.values()) > 1


class TestWhatOneHasLearned:
    async def test_is_shown_by_the_other(self, workers: list[Forecasts], station: Station) -> None:
        asking, other = workers
        assert await asking.of(places(3)) == await other.of(places(3)) != {}
        assert station.calls == [places(3)]

    async def test_comes_to_the_other_while_he_waits(
        self, workers: list[Forecasts], station: Station
    ) -> None:
        station.answers.clear()
        asking = asyncio.create_task(workers[0].of(places(1)))
        await until(lambda: has_begun(station))
        waiting = asyncio.create_task(workers[1].of(places(1)))
        station.answers.set()
        await until(lambda: settled(workers[0]))
        assert await asking == await waiting == await workers[1].of(places(1)) != {}
        assert len(station.calls) == 1


class TestWorkerThatDiesWhileItAsks:
    async def test_is_followed_by_another_when_its_mark_ends(
        self, workers: list[Forecasts], station: Station, redis: aioredis.Redis
    ) -> None:
        await redis.set(mark(places(1)[0]), "asking", ex=ASKING)  # by one that was killed then
        known, seconds = await timed(workers[1], places(1))
        assert (known, seconds < LATE, station.calls) == ({}, True, [])
        await pass_by(redis, mark(places(1)[0]), ASKING)
        assert temperatures(await at_once(workers[1:], places(1))) == {20.5}
        assert station.calls == [places(1)]

    async def test_is_followed_at_once_when_it_had_time_to_say_so(
        self, workers: list[Forecasts], station: Station
    ) -> None:
        stopped, other = workers
        station.answers.clear()
        await stopped.of(places(1))
        await stopped.close()
        station.answers.set()
        assert temperatures(await other.of(places(1))) == {20.5}
        assert station.calls == [places(1)] * 2


class TestRubbishInRedis:
    @pytest.mark.parametrize("what", RUBBISH)
    async def test_is_not_shown_and_hides_no_other_place(
        self, forecasts: Forecasts, redis: aioredis.Redis, what: str
    ) -> None:
        await forecasts.of(places(2))
        await redis.set(key(places(1)[0]), RUBBISH[what])
        assert (await forecasts.of(places(2))).keys() == set(places(1, 1))
        await redis.delete(mark(places(1)[0]))
        assert (await forecasts.of(places(2))).keys() == set(places(2))

    @pytest.mark.parametrize("broken", [key, mark])
    async def test_of_another_kind_hides_no_other_place(
        self,
        forecasts: Forecasts,
        redis: aioredis.Redis,
        broken: Callable[[Coordinates], str],
    ) -> None:
        await forecasts.of(places(3))
        await redis.delete(broken(places(1)[0]))
        await redis.rpush(broken(places(1)[0]), "x")
        assert (await forecasts.of(places(3))).keys() >= set(places(2, 1))

    async def test_for_a_mark_is_waited_out(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        await redis.set(mark(places(1)[0]), b"\xff", ex=ASKING)
        assert (await forecasts.of(places(2))).keys() == set(places(1, 1))
        await redis.delete(mark(places(1)[0]))
        assert (await forecasts.of(places(2))).keys() == set(places(2))


class TestKeys:
    async def test_end_by_themselves_whatever_happened(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        station.places_at_once = 1
        await forecasts.of(places(1))
        station.is_away = True
        await forecasts.of(places(1, 1))
        station.answers.clear()
        await forecasts.of(places(1, 2))
        found = {name: await redis.ttl(name) async for name in redis.scan_iter("*")}
        longest = {
            key(places(1)[0]): KEPT,
            **dict(zip(map(mark, places(3)), (FRESH, FAILED, ASKING), strict=True)),
        }
        assert {name.decode() for name in found} == longest.keys()
        assert all(0 < ttl <= longest[name.decode()] for name, ttl in found.items()), found
