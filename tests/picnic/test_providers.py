"""What the weather services tell: cities as they spell them, and how warm it is in many places."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from picnic.weather.fake import FakeWeather
from picnic.weather.places import listed
from picnic.weather.protocol import Coordinates, Found, NotFound, Observation, Unavailable
from tests.picnic.faults import sends, twisted
from tests.picnic.providers import HERE, PROVIDERS, WHERE, asking
from tests.picnic.stage import GEOCODING, NOW, OBSERVED, Stage, honest, staged, warmth

OPEN_METEO, OPEN_WEATHER_MAP = PROVIDERS
LANGUAGE = {OPEN_METEO: (GEOCODING, "language"), OPEN_WEATHER_MAP: (NOW, "lang")}
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).timestamp()

ODD: dict[str, dict[str, Any]] = {
    "no temperature": {"temperature_2m": None},
    "not a number": {"temperature_2m": float("nan")},
    "infinity": {"temperature_2m": float("-inf")},
    "a word": {"temperature_2m": "warm"},
    "a truth": {"temperature_2m": True},
    "hotter than fire": {"temperature_2m": 1000},
    "colder than nothing": {"temperature_2m": -300},
    "no moment": {"time": None},
    "a moment to come": {"time": int(TOMORROW)},
    "a moment before all": {"time": -1},
    "a moment as text": {"time": "2026-01-02T03:04"},
    "a moment beyond all": {"time": 10**30},
}


def now_at(place: Coordinates) -> Observation:
    """Return what the stage has observed of a place."""
    return Observation(warmth(place.latitude), datetime.fromtimestamp(OBSERVED, UTC))


def changing(number: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change of one answer among several."""
    return lambda answers: [
        change(answer) if at == number else answer for at, answer in enumerate(answers)
    ]


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Open an honest stage."""
    async with staged() as opened:
        yield opened


@pytest.mark.parametrize("provider", PROVIDERS)
class TestFind:
    @pytest.mark.parametrize("name", ["Berlin", "bERLIN"])
    async def test_tells_how_a_city_is_spelled_and_where_it_lies_and_how_warm_it_is(
        self, stage: Stage, provider: str, name: str
    ) -> None:
        async with asking(provider, stage.url) as weather:
            found = await weather.find(name)
        assert isinstance(found, Found)
        assert (found.name, found.coordinates) == ("Berlin", HERE)
        assert found.country in ("Germany", "DE")
        assert found.observation == now_at(HERE)

    @pytest.mark.parametrize(
        ("name", "spelled", "language"),
        [("москва", "Москва", "ru"), ("Moscow", "Moscow", "en"), ("SÃO PAULO", "São Paulo", "en")],
    )
    async def test_asks_in_the_language_of_the_alphabet(
        self, stage: Stage, provider: str, name: str, spelled: str, language: str
    ) -> None:
        async with asking(provider, stage.url) as weather:
            found = await weather.find(name)
        assert isinstance(found, Found)
        assert found.name == spelled
        path, parameter = LANGUAGE[provider]
        assert [query[parameter] for query in stage.queries(path)] == [language]

    @pytest.mark.parametrize("name", ["Atlantis", "Berlin&lang=ru", "%42erlin", "Berlin#", "a+b="])
    async def test_is_sure_that_there_is_none_of_exactly_this_name(
        self, stage: Stage, provider: str, name: str
    ) -> None:
        async with asking(provider, stage.url) as weather:
            assert await weather.find(name) == NotFound()
        (url,) = stage.asked
        assert name in (url.query.get("name"), url.query.get("q"))

    async def test_needs_no_country(self, stage: Stage, provider: str) -> None:
        def change(document: Any) -> Any:
            for holder in (*document.get("results", []), document.get("sys", {})):
                holder.pop("country", None)
            return document

        stage.play = twisted(change)
        async with asking(provider, stage.url) as weather:
            found = await weather.find("Berlin")
        assert isinstance(found, Found)
        assert (found.country, found.observation) == (None, now_at(HERE))


class TestFindOfOpenMeteo:
    @pytest.mark.parametrize("status", [429, 500])
    async def test_does_without_the_weather(self, stage: Stage, status: int) -> None:
        async def play(request: web.Request) -> web.StreamResponse:
            return await (honest if request.path == GEOCODING else sends(b"", status))(request)

        stage.play = play
        async with asking(OPEN_METEO, stage.url) as weather:
            found = await weather.find("Berlin")
        assert isinstance(found, Found)
        assert (found.coordinates, found.observation) == (HERE, None)

    async def test_needs_no_key(self, stage: Stage) -> None:
        async with asking(OPEN_METEO, stage.url, key="mine") as weather:
            await weather.find("Berlin")
        assert len(stage.asked) == 2
        assert not any("mine" in str(url) for url in stage.asked)


class TestObserve:
    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_tells_of_one_place(self, stage: Stage, provider: str) -> None:
        async with asking(provider, stage.url) as weather:
            assert await weather.observe([HERE]) == {HERE: now_at(HERE)}

    async def test_asks_open_meteo_once_about_many(self, stage: Stage) -> None:
        async with asking(OPEN_METEO, stage.url) as weather:
            many = [Coordinates(number / 2, -number) for number in range(weather.places_at_once)]
            assert await weather.observe(many) == {place: now_at(place) for place in many}
            assert await weather.observe(WHERE) == {place: now_at(place) for place in WHERE}
        assert len(stage.asked) == 2

    async def test_asks_open_weather_map_about_one_a_call(self, stage: Stage) -> None:
        async with asking(OPEN_WEATHER_MAP, stage.url) as weather:
            assert weather.places_at_once == 1
            answers = await asyncio.gather(*(weather.observe([place]) for place in WHERE))
        assert answers == [{place: now_at(place)} for place in WHERE]
        assert len(stage.asked) == len(WHERE)

    @pytest.mark.parametrize("odd", ODD)
    async def test_leaves_out_one_place_whose_weather_makes_no_sense(
        self, stage: Stage, odd: str
    ) -> None:
        def change(answer: Any) -> Any:
            return {**answer, "current": {**answer["current"], **ODD[odd]}}

        stage.play = twisted(changing(1, change))
        async with asking(OPEN_METEO, stage.url) as weather:
            known = await weather.observe(WHERE)
        assert known == {place: now_at(place) for place in WHERE if place != WHERE[1]}

    @pytest.mark.parametrize("change", [lambda found: found[1:], lambda found: [*found, found[0]]])
    async def test_does_not_guess_which_place_is_missing(
        self, stage: Stage, change: Callable[[Any], Any]
    ) -> None:
        stage.play = twisted(change)
        async with asking(OPEN_METEO, stage.url) as weather:
            assert isinstance(await weather.observe(WHERE), Unavailable)


class TestFake:
    async def test_knows_each_listed_city_in_any_case(self) -> None:
        weather = FakeWeather()
        for city in listed():
            for name in (city.name, city.name.upper(), city.name.lower()):
                found = await weather.find(name)
                assert isinstance(found, Found), name
                assert (found.name, found.coordinates) == (city.name, city.coordinates)

    async def test_knows_no_other(self) -> None:
        assert await FakeWeather().find("Atlantis") == NotFound()

    async def test_says_the_same_at_all_times(self) -> None:
        first, second = await FakeWeather().observe(WHERE), await FakeWeather().observe(WHERE)
        assert list(first) == WHERE
        assert [first[x].temperature for x in WHERE] == [second[x].temperature for x in WHERE]
        assert all(seen.observed_at <= datetime.now(UTC) for seen in first.values())
