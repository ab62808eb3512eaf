"""Promise 18: whatever a weather service does, lists answer soon and no city becomes unknown."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from redis import asyncio as aioredis

from kit.db import Database
from kit.settings import Settings
from tests.kit import conftest as of_kit
from tests.kit.conftest import Lines, VisitAt
from tests.kit.doors import dead_port
from tests.kit.events import tell, until
from tests.picnic.faults import FAULTS, SLOW, redirecting, says, silent, twisted
from tests.picnic.forms import CITIES, add_city, read
from tests.picnic.houses import SOON, House, found_house, soon
from tests.picnic.providers import PROVIDERS, pointing
from tests.picnic.stage import KEY, PLACES, Stage, honest, staged, warmth
from tests.support.clients import add_user, problem, sign_in
from tests.support.shops import value

QUICK = [
    *("500", "503", "429", "401", "404 in HTML", "404 of nothing", "HTML", "NaN", "huge body"),
    *("endless body", "closed without a word", "cut short", "an empty list", "null"),
]
COUNT = "SELECT count(*) FROM cities"
OVER_QUOTA = says({"error": True, "reason": "Daily API request limit exceeded."}, 429)

Beside = Callable[[str, str], Awaitable[House]]

visit_at = of_kit.visit_at
log_text, log_lines = of_kit.log_text, of_kit.log_lines


@pytest_asyncio.fixture
async def beside(
    visit_at: VisitAt, busy_settings: Settings, busy_database: Database, redis: aioredis.Redis
) -> Beside:
    """Give a way to serve a house beside a provider."""
    await add_user(busy_database, "alice")

    async def serve(provider: str, url: str) -> House:
        client = await visit_at(pointing(busy_settings, provider, url), None)
        response = await sign_in(client, "alice")
        assert response.status == 200, await response.text()
        return await found_house(client, redis, busy_database)

    return serve


@pytest.fixture
def without_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every fault be met, however many came before."""
    monkeypatch.setattr("picnic.weather.http.FAILURES", 10**6)
    monkeypatch.setattr("picnic.weather.http.PAUSE", 0.005)


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Open an honest stage."""
    async with staged() as opened:
        yield opened


@pytest.mark.usefixtures("without_breaker")
class TestFault:
    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_makes_no_list_wait_and_no_city_unknown(
        self, beside: Beside, stage: Stage, provider: str, busy_database: Database
    ) -> None:
        house = await beside(provider, stage.url)
        before = await value(busy_database, COUNT)
        elsewhere = {str(status): redirecting(status, stage.url) for status in (302, 307)}
        for name, stage.play in ({name: FAULTS[name] for name in QUICK} | elsewhere).items():
            asked = len(stage.asked)
            tell(f"{provider}, {name}", round(await soon(house), 3))
            await house.refuse()
            assert len(stage.asked) >= asked + 2, name
        assert await value(busy_database, COUNT) == before

    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_may_be_that_nobody_listens(self, beside: Beside, provider: str) -> None:
        house = await beside(provider, f"http://127.0.0.1:{dead_port()}")
        tell(f"{provider}, refusing", round(await soon(house), 3))
        await house.refuse()

    async def test_may_be_that_it_is_slow(self, beside: Beside) -> None:
        async def suffer(provider: str) -> None:
            async with staged() as stage:
                house, plays = await beside(provider, stage.url), itertools.cycle(SLOW.values())
                for name, stage.play in SLOW.items():
                    tell(f"{provider}, {name}", round(await soon(house), 3))
                stage.play = lambda request: next(plays)(request)
                await asyncio.gather(*(house.refuse() for _ in SLOW))

        await asyncio.gather(*map(suffer, PROVIDERS))

    async def test_would_make_lists_wait_if_they_had_more_patience(
        self, beside: Beside, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("picnic.weather.forecasts.PATIENCE", 2 * SOON)
        house, stage.play = await beside("open-meteo", stage.url), silent
        assert await house.look() > SOON


@pytest.mark.parametrize("provider", PROVIDERS)
class TestClassicMistake:
    async def test_a_provider_over_quota_is_not_an_unknown_city(
        self, beside: Beside, stage: Stage, provider: str
    ) -> None:
        house, stage.play = await beside(provider, stage.url), OVER_QUOTA
        await house.refuse()
        stage.play = None
        assert (await house.add("Berlin")).status == 201
        await problem(await house.add("Atlantis"), 422, "unknown-city")
        stage.play = OVER_QUOTA
        assert (await house.add("bERLIN")).status == 200  # nobody needs to be asked

    async def test_one_broken_city_does_not_break_the_list(
        self, beside: Beside, stage: Stage, provider: str, busy_database: Database
    ) -> None:
        house, broken = await beside(provider, stage.url), PLACES[1].name
        for place in PLACES:
            where = {"latitude": place.latitude, "longitude": place.longitude}
            await add_city(busy_database, place.name, **where)
        stage.play = without_weather_at(PLACES[1].latitude)
        expected = {
            place.name: None if place.name == broken else warmth(place.latitude)
            for place in PLACES
        }
        seen: dict[str, Any] = {}

        async def is_known() -> bool:
            items = (await read(house.client, CITIES, size=100))["items"]
            seen.update({x["name"]: (x["weather"] or {}).get("temperature") for x in items})
            return expected.items() <= seen.items()

        await until(is_known)


def without_weather_at(latitude: float) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Tell the truth of all places but one, whose temperature is broken."""

    def change(document: Any) -> Any:
        for answer in document if isinstance(document, list) else [document]:
            if latitude in (answer.get("latitude"), answer.get("coord", {}).get("lat")):
                answer.update({"current": None, "main": {"temp": float("nan")}})
        return document

    return twisted(change)


class TestLog:
    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_says_once_that_the_service_is_away_and_once_that_it_is_back(
        self,
        beside: Beside,
        stage: Stage,
        provider: str,
        log_lines: Lines,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("picnic.weather.http.LEFT_ALONE", 0.02)
        house, stage.play = await beside(provider, stage.url), OVER_QUOTA

        async def is_tried_between() -> bool:
            await house.look()
            return len(stage.asked) > 10

        async def is_back() -> bool:
            await house.forget()
            await read(house.client, f"{CITIES}?q={house.name}")
            return (await house.add()).status in (200, 201) and len(told()) == 2

        def told() -> list[str]:
            return [x["event"] for x in log_lines() if x["event"].startswith("weather ")]

        await until(is_tried_between)
        stage.play = honest
        await until(is_back)
        assert told() == ["weather away", "weather back"]

    @pytest.mark.usefixtures("without_breaker")
    async def test_never_holds_the_key(
        self, beside: Beside, stage: Stage, log_text: Callable[[], str]
    ) -> None:
        logging.getLogger().setLevel(logging.DEBUG)
        house = await beside("openweathermap", stage.url)
        for name in ("500", "401", "HTML", "NaN", "closed without a word", "302", "404 of a list"):
            stage.play = FAULTS[name]
            await house.look()
            await house.refuse()
        assert {url.query["appid"] for url in stage.asked} == {KEY}
        assert (log_text().count("city not looked for"), KEY in log_text()) == (7, False)
