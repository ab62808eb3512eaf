"""Choose the provider that the settings name, and keep it while the application runs."""

from collections.abc import AsyncIterator

import stamina
from aiohttp import ClientSession, web

from kit.client import create_client
from kit.redis import REDIS
from kit.settings import Settings
from picnic.weather.fake import FakeWeather
from picnic.weather.forecasts import FORECASTS, Forecasts
from picnic.weather.http import AT_ONCE, CONNECT_LIMIT, LIMIT
from picnic.weather.open_meteo import OpenMeteo
from picnic.weather.open_weather_map import OpenWeatherMap
from picnic.weather.protocol import WEATHER, Weather


def create_weather(settings: Settings, client: ClientSession) -> Weather:
    """Build the provider."""
    match settings.weather_provider:
        case "fake":
            return FakeWeather()
        case "openweathermap":
            return OpenWeatherMap(client, settings.weather_api_key, settings.weather_url)
        case _:
            return OpenMeteo(client, settings.weather_url)


async def weather_context(app: web.Application, *, settings: Settings) -> AsyncIterator[None]:
    """Keep one client of the provider while the application runs."""
    # the limit of a call is its own clock: two that ring at once would be taken for one
    client = create_client(limit=2 * LIMIT, connect_limit=CONNECT_LIMIT, at_once=AT_ONCE)
    stamina.instrumentation.set_on_retry_hooks([])  # one line tells of an outage, not each try
    async with client:
        weather = app[WEATHER] = create_weather(settings, client)
        forecasts = app[FORECASTS] = Forecasts(app[REDIS], weather)
        yield
        await forecasts.close()
