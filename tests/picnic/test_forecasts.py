"""The weather of many places: asked once in a while, shown at once, never without an end."""

import asyncio
from datetime import timedelta

import pytest
from redis import asyncio as aioredis

from picnic.weather.forecasts import FRESH, KEPT, PATIENCE, Forecasts, key
from picnic.weather.protocol import Coordinates, Observation
from tests.kit.events import until
from tests.picnic import forecasting
from tests.picnic.forecasting import (
    LATE,
    MANY,
    MOMENT,
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


async def is_stored(redis: aioredis.Redis, place: Coordinates) -> bool:
    """Tell whether the weather of a place is known to all."""
    return bool(await redis.exists(key(place)))


class TestOf:
    async def test_shows_what_was_observed(self, forecasts: Forecasts, station: Station) -> None:
        known = await forecasts.of(places(3))
        assert known == dict.fromkeys(places(3), Observation(20.5, MOMENT))
        assert await forecasts.of(places(3)) == known
        assert station.calls == [places(3)]

    async def test_asks_once_of_each_place_for_many_at_once(
        self, forecasts: Forecasts, station: Station
    ) -> None:
        known = await at_once([forecasts], places(20))
        assert known.keys() == set(places(20))
        assert station.calls == [places(20)]

    async def test_asks_once_of_each_place_though_all_want_others(
        self, forecasts: Forecasts, station: Station
    ) -> None:
        await asyncio.gather(*(forecasts.of(places(10, n % 40)) for n in range(MANY)))
        await until(lambda: settled(forecasts))
        assert station.asked == dict.fromkeys(places(49), 1)

    async def test_without_a_mark_asks_again_and_again(
        self, employ: Employ, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("picnic.weather.forecasts.LOOK", NAIVE)
        await at_once([employ()], places(20), 20)
        assert min(station.asked.values()) > 1

    async def test_asks_of_as_many_places_at_once_as_the_provider_takes(
        self, forecasts: Forecasts, station: Station
    ) -> None:
        station.places_at_once = 3
        known = await forecasts.of(places(8))
        assert station.calls == [places(3), places(3, 3), places(2, 6)]
        assert known.keys() == set(places(8))

    async def test_asks_once_of_two_places_that_are_nearly_one(
        self, forecasts: Forecasts, station: Station
    ) -> None:
        near = [Coordinates(51.501, -0.141), Coordinates(51.499, -0.139)]
        known = await forecasts.of([*near, near[0]])
        assert (station.calls, set(known)) == ([near[:1]], set(near))

    async def test_asks_nobody_of_no_places(self, forecasts: Forecasts, station: Station) -> None:
        assert (await forecasts.of([]), station.calls) == ({}, [])

    async def test_waits_a_moment_for_an_answer_and_no_longer(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        station.answers.clear()
        took = []
        for _ in range(3):
            known, seconds = await timed(forecasts, places(2))
            assert known == {}
            took.append(seconds)
        assert (min(took) < PATIENCE + 0.1, max(took) < LATE) == (True, True), took
        assert station.calls == [places(2)]
        station.answers.set()
        await until(lambda: is_stored(redis, places(2)[1]))
        assert temperatures(await forecasts.of(places(2))) == {20.5}

    async def test_asks_on_when_who_wanted_it_has_gone(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        station.answers.clear()
        visit = asyncio.create_task(forecasts.of(places(1)))
        await until(lambda: has_begun(station))
        visit.cancel()
        await asyncio.wait([visit])
        station.answers.set()
        await until(lambda: is_stored(redis, places(1)[0]))
        assert len(station.calls) == 1


class TestAge:
    async def test_is_ten_minutes_until_one_asks_again(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        await forecasts.of(places(2))
        station.temperature = 21.5
        assert temperatures(await forecasts.of(places(2))) == {20.5}
        assert FRESH == 600
        await pass_by(redis, mark(places(2)[0]), FRESH)
        known = await at_once([forecasts], places(2))
        assert [known[place].temperature for place in places(2)] == [21.5, 20.5]
        assert station.calls == [places(2), places(1)]

    async def test_hides_nothing_while_somebody_asks_again(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        await forecasts.of(places(1))
        await pass_by(redis, mark(places(1)[0]), FRESH)
        station.answers.clear()
        assert temperatures(await forecasts.of(places(1))) == {20.5}

    async def test_is_a_day_at_most(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        (place,) = places(1)
        await forecasts.of([place])
        station.is_away = True
        await redis.expire(key(place), KEPT - 100)
        for _ in range(3):
            await redis.delete(mark(place))
            assert temperatures(await forecasts.of([place])) == {20.5}
        assert KEPT == 24 * 3600
        await pass_by(redis, key(place), KEPT - 100)  # no failure has made it last longer
        assert await forecasts.of([place]) == {}


class TestOddPlace:
    async def test_leaves_the_others_of_its_call(
        self, forecasts: Forecasts, station: Station, redis: aioredis.Redis
    ) -> None:
        odd, *others = places(5)
        station.odd = [odd]
        assert (await forecasts.of(places(5))).keys() == set(others)
        assert FRESH - 5 <= await redis.ttl(mark(odd)) <= FRESH  # the provider has answered
        station.odd = []
        assert odd not in await forecasts.of(places(5))
        await redis.delete(mark(odd))
        assert odd in await forecasts.of(places(5))
        assert station.calls == [places(5), [odd]]


class TestRemember:
    async def test_spares_a_call(self, forecasts: Forecasts, station: Station) -> None:
        seen = Observation(-3.25, MOMENT)
        await forecasts.remember(places(1)[0], seen)
        assert await forecasts.of(places(1)) == {places(1)[0]: seen}
        assert station.calls == []

    async def test_keeps_what_is_old_for_less_time(
        self, forecasts: Forecasts, redis: aioredis.Redis
    ) -> None:
        (place,) = places(1)
        await forecasts.remember(place, Observation(-3.25, MOMENT - timedelta(seconds=KEPT - 500)))
        assert 0 < await redis.ttl(key(place)) <= 500


class TestClose:
    async def test_is_quick_and_leaves_nothing(self, employ: Employ, station: Station) -> None:
        before = asyncio.all_tasks()
        worker = employ()
        station.answers.clear()
        station.places_at_once = 1
        await worker.of(places(20))
        visit = asyncio.create_task(worker.of(places(20)))
        await asyncio.sleep(0)
        async with asyncio.timeout(LATE):
            await worker.close()
        assert await settled(worker)
        assert await visit == {}
        assert asyncio.all_tasks() == before
