"""What a provider is asked, what is no fault of its, and what is no city."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from picnic.weather.protocol import Coordinates, Found, NotFound, Unavailable
from tests.kit import conftest as of_kit
from tests.kit.conftest import Lines
from tests.kit.events import until
from tests.picnic.faults import says
from tests.picnic.providers import HERE, PROVIDERS, asking
from tests.picnic.stage import BERLIN, FORECAST, GEOCODING, honest, staged

MANY = 100
PLACES = [Coordinates(10 + n / 10, 20.0) for n in range(MANY)]
WHERE = {"latitude": 51.5, "longitude": 10.5, "country": "Germany"}
COUNTRY = {**WHERE, "name": "Germany", "feature_code": "PCLI"}
HAMLET = {**WHERE, "name": "Germanyville", "feature_code": "PPL"}
TOWN = {**WHERE, "name": "GERMANY", "feature_code": "PPLA3"}

log_text, log_lines = of_kit.log_text, of_kit.log_lines


async def unhurried(request: web.Request) -> web.StreamResponse:
    """Answer the truth after a moment."""
    await asyncio.sleep(0.05)
    return await honest(request)


def alarms(lines: Lines) -> list[str]:
    """Return what the log says of a provider that is away."""
    return [line["event"] for line in lines() if line["event"].startswith("weather ")]


def results(*found: dict[str, Any]) -> dict[str, Any]:
    """Return what the geocoding of Open-Meteo answers."""
    return {"generationtime_ms": 0.5, "results": list(found)}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time to connect."""
    monkeypatch.setattr("picnic.weather.choose.CONNECT_LIMIT", 5.0)
    monkeypatch.setattr("picnic.weather.http.LIMIT", 5.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("provider", PROVIDERS)
class TestCrowd:
    async def test_that_waits_for_its_turn_is_no_outage(
        self, provider: str, log_lines: Lines
    ) -> None:
        async with staged(unhurried) as stage, asking(provider, stage.url) as weather:
            found = await asyncio.gather(*(weather.observe([place]) for place in PLACES))
        assert all(place in one for place, one in zip(PLACES, found, strict=True))  # type: ignore[operator]
        assert alarms(log_lines) == []

    async def test_that_asks_for_one_name_asks_twice_at_most(self, provider: str) -> None:
        async with staged(unhurried) as stage, asking(provider, stage.url) as weather:
            found = await asyncio.gather(
                *(weather.find(name) for name in ("Berlin", "BERLIN") * MANY)
            )
            questions = [url for url in stage.asked if url.path != FORECAST]
        assert {one.name for one in found if isinstance(one, Found)} == {BERLIN.name}
        assert len(found) == 2 * MANY
        assert len(questions) <= 2

    async def test_that_is_given_up_is_no_outage(self, provider: str, log_lines: Lines) -> None:
        async with staged(unhurried) as stage, asking(provider, stage.url) as weather:
            tasks = [asyncio.create_task(weather.observe([place])) for place in PLACES]

            async def is_busy() -> bool:
                return stage.busy > 0

            await until(is_busy)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert HERE in await weather.observe([HERE])  # type: ignore[operator]
        assert alarms(log_lines) == []


class TestQuestion:
    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_that_is_refused_keeps_nobody_from_asking(
        self, provider: str, log_lines: Lines
    ) -> None:
        refusal = {"cod": "400", "message": "wrong", "error": True, "reason": "wrong"}
        async with staged(says(refusal, 400)) as stage, asking(provider, stage.url) as weather:
            for _ in range(20):
                assert isinstance(await weather.find("x"), Unavailable)
            stage.play = honest
            assert isinstance(await weather.find("Berlin"), Found)
        assert alarms(log_lines) == []

    async def test_about_nothing_has_no_city(self) -> None:
        nothing = {"cod": "400", "message": "Nothing to geocode"}
        async with staged(says(nothing, 400)) as stage, asking("openweathermap", stage.url) as owm:
            assert await owm.find(",") == NotFound()

    async def test_is_about_degrees_celsius(self) -> None:
        async with staged() as stage, asking("open-meteo", stage.url) as weather:
            await weather.observe([HERE])
            (query,) = stage.queries(FORECAST)
        assert query["temperature_unit"] == "celsius"


class TestCity:
    async def test_is_no_country(self) -> None:
        async with staged(says(results(COUNTRY))) as stage, asking("open-meteo", stage.url) as one:
            assert await one.find("Germany") == NotFound()
            assert [query["count"] for query in stage.queries(GEOCODING)] == ["10"]

    async def test_is_the_one_of_this_name_before_others(self) -> None:
        for found, name in (
            ((COUNTRY, HAMLET, TOWN), "GERMANY"),
            ((COUNTRY, HAMLET), "Germanyville"),
        ):
            play = says(results(*found))
            async with staged(play) as stage, asking("open-meteo", stage.url) as weather:
                answer = await weather.find("germany")
            assert isinstance(answer, Found)
            assert answer.name == name

    @pytest.mark.parametrize("name", ["A\x1b[2J", "A\u202eB", "A\x00", "\ud800", " ", "x" * 101])
    async def test_has_a_name_that_can_be_read(self, name: str) -> None:
        play = says(results({**TOWN, "name": name}))
        async with staged(play) as stage, asking("open-meteo", stage.url) as weather:
            assert isinstance(await weather.find("germany"), Unavailable)

    async def test_may_need_a_joiner_between_its_letters(self) -> None:
        play = says(results({**TOWN, "name": "na\u200cme"}))
        async with staged(play) as stage, asking("open-meteo", stage.url) as weather:
            assert isinstance(await weather.find("na\u200cme"), Found)
