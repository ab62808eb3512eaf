"""What is counted of the weather: places that were known or not, and who is left alone."""

from collections.abc import Mapping

import pytest

from kit.redis import create_redis
from kit.settings import Settings
from picnic.weather.forecasts import Forecasts
from picnic.weather.http import FAILURES
from tests.kit import conftest as of_kit
from tests.kit.events import until
from tests.kit.scraping import here
from tests.picnic import forecasting
from tests.picnic.faults import FAULTS
from tests.picnic.forecasting import Station, places
from tests.picnic.providers import asking
from tests.picnic.stage import staged
from tests.picnic.test_breaker import ask_until_found, fail

station, employ, forecasts = forecasting.station, forecasting.employ, forecasting.forecasts
patient, without_redis = forecasting.patient, of_kit.without_redis

RESULTS = ("hit", "miss", "away")
CALLS = ("find", "observe")
CLOSED, OPEN = 0, 2


def looked_up() -> list[float]:
    """Return how many places were known, were not, and could not be asked for."""
    name, seen = "shop_api_cache_lookups_total", here()
    return [seen.count(name, cache="weather", result=result) for result in RESULTS]


def more(before: list[float]) -> list[float]:
    """Return how many came in since."""
    return [now - then for now, then in zip(looked_up(), before, strict=True)]


def breakers() -> Mapping[str, float | None]:
    """Return the state of each breaker."""
    name, seen = "shop_api_breaker_state", here()
    return {call: seen.of(name, provider="OpenMeteo", call=call) for call in CALLS}


@pytest.mark.usefixtures("patient")
class TestLookups:
    async def test_are_counted_once_a_place(self, forecasts: Forecasts) -> None:
        before = looked_up()
        await forecasts.of(places(3))  # looks again until what it has asked for comes in
        assert more(before) == [0, 3, 0]
        await forecasts.of(places(4))
        assert more(before) == [3, 4, 0]

    async def test_without_redis_are_away(self, without_redis: Settings, station: Station) -> None:
        client = create_redis(without_redis)
        lonely, before = Forecasts(client, station), looked_up()
        assert await lonely.of(places(5)) == {}

        async def is_counted() -> bool:
            return more(before) == [0, 0, 5]

        await until(is_counted)
        await lonely.close()
        await client.aclose()


async def test_a_breaker_is_shown_open_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picnic.weather.http.LEFT_ALONE", 0.02)
    async with staged(FAULTS["429"]) as stage, asking("open-meteo", stage.url) as weather:
        assert breakers() == {"find": CLOSED, "observe": CLOSED}
        await fail(weather, FAILURES)
        assert breakers() == {"find": OPEN, "observe": CLOSED}
        stage.play = None
        await ask_until_found(weather)
        assert breakers() == {"find": CLOSED, "observe": CLOSED}
