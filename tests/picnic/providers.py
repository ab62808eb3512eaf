"""Both providers beside a stage, with the client that the service gives them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from aiohttp import web

from kit.redis import REDIS, create_redis
from kit.settings import Settings
from picnic.weather.choose import weather_context
from picnic.weather.protocol import WEATHER, Coordinates, Weather
from tests.picnic.stage import BERLIN, KEY, PLACES
from tests.support.settings import make_settings

PROVIDERS = ["open-meteo", "openweathermap"]
WHERE = [Coordinates(place.latitude, place.longitude) for place in PLACES]
HERE = Coordinates(BERLIN.latitude, BERLIN.longitude)


def pointing(settings: Settings, provider: str, url: str, key: str = KEY) -> Settings:
    """Return settings that name a provider and where it listens."""
    return replace(settings, weather_provider=provider, weather_api_key=key, weather_url=url)


@asynccontextmanager
async def asking(provider: str, url: str, *, key: str = KEY) -> AsyncIterator[Weather]:
    """Keep a provider that asks at this address while the block lasts; nobody needs Redis."""
    settings = make_settings("postgresql://h/d", "redis://h")
    app = web.Application()
    app[REDIS] = create_redis(settings)
    context = asynccontextmanager(weather_context)
    async with (
        aclosing(app[REDIS]),
        context(app, settings=pointing(settings, provider, url, key)),
    ):
        yield app[WEATHER]
