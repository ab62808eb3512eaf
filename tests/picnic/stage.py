"""Both weather services at one local address, honest unless `play` tells them otherwise."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from yarl import URL

GEOCODING, FORECAST = "/v1/search", "/v1/forecast"  # of Open-Meteo
NOW = "/data/2.5/weather"  # of OpenWeatherMap
KEY = "key-7f3e9c"  # the one that OpenWeatherMap takes
OBSERVED = int(time.time()) - 300  # when it was so warm, in seconds since 1970

Play = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Place:
    """A city in two languages."""

    name: str
    russian: str
    country: str
    russian_country: str
    code: str
    latitude: float
    longitude: float

    def named(self, language: str) -> tuple[str, str]:
        """Return how the city and its country are called."""
        if language == "ru":
            return self.russian, self.russian_country
        return self.name, self.country


BERLIN = Place("Berlin", "Берлин", "Germany", "Германия", "DE", 52.5244, 13.4105)
PLACES = (
    BERLIN,
    Place("Moscow", "Москва", "Russia", "Россия", "RU", 55.7522, 37.6156),
    Place("São Paulo", "Сан-Паулу", "Brazil", "Бразилия", "BR", -23.5475, -46.6361),
    Place("Reykjavík", "Рейкьявик", "Iceland", "Исландия", "IS", 64.1355, -21.8954),
)


def warmth(latitude: float) -> float:
    """Return how many degrees Celsius it always is so far from the equator."""
    return round(25 - abs(latitude) / 4, 1)


class Stage:
    """Answer like Open-Meteo and OpenWeatherMap, count calls, and remember what was asked.

    `play` may be set at any time: then it answers in the place of both. `url` is what
    WEATHER_URL should be. `most` is how many calls were under way at the same time.
    """

    def __init__(self) -> None:
        self.play: Play | None = None
        self.url = ""
        self.asked: list[URL] = []
        self.headers: list[Mapping[str, str]] = []
        self.busy = self.most = 0

    def queries(self, path: str) -> list[dict[str, str]]:
        """Return what was asked at a path, in order."""
        return [dict(url.query) for url in self.asked if url.path == path]

    async def perform(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        self.asked.append(request.rel_url)
        self.headers.append(request.headers.copy())
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            return await (self.play or honest)(request)
        finally:
            self.busy -= 1


@asynccontextmanager
async def staged(play: Play | None = None) -> AsyncIterator[Stage]:
    """Keep a stage open while the block lasts."""
    stage, app = Stage(), web.Application()
    stage.play = play
    app.router.add_route("*", "/{path:.*}", stage.perform)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stage.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stage
    finally:
        await runner.cleanup()


async def honest(request: web.Request) -> web.StreamResponse:
    """Answer as both services do."""
    status, document = truth(request.rel_url)
    return web.json_response(document, status=status)


def truth(url: URL) -> tuple[int, Any]:
    """Return the status and the document with which the services answer."""
    answers = {GEOCODING: _search, FORECAST: _forecast, NOW: _now}
    if url.path not in answers:
        return 404, {"error": True, "reason": "Not Found"}
    return answers[url.path](url.query)


def _search(query: Mapping[str, str]) -> tuple[int, Any]:
    if "name" not in query:
        return 400, {"error": True, "reason": "Parameter count must be between 1 and 100."}
    language = query.get("language", "en")
    results = [
        {
            "id": 2950159 + number,
            "name": place.named(language)[0],
            "latitude": place.latitude,
            "longitude": place.longitude,
            "elevation": 74.0,
            "feature_code": "PPLC",
            "country_code": place.code,
            "timezone": "Europe/Berlin",
            "country": place.named(language)[1],
        }
        for number, place in enumerate(_called(query["name"]))
    ]
    return 200, {**({"results": results} if results else {}), "generationtime_ms": 0.58}


def _called(name: str) -> list[Place]:
    wanted = name.casefold()
    return [p for p in PLACES if wanted in (p.name.casefold(), p.russian.casefold())]


def _forecast(query: Mapping[str, str]) -> tuple[int, Any]:
    latitudes, longitudes = query["latitude"].split(","), query["longitude"].split(",")
    shown = OBSERVED if query.get("timeformat") == "unixtime" else "2026-01-02T03:00"
    answers = [
        {
            "latitude": float(latitude),
            "longitude": float(longitude),
            "generationtime_ms": 0.02,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "elevation": 38.0,
            "current_units": {"time": "unixtime", "interval": "seconds", "temperature_2m": "°C"},
            "current": {"time": shown, "interval": 900, "temperature_2m": warmth(float(latitude))},
        }
        for latitude, longitude in zip(latitudes, longitudes, strict=True)
    ]
    return 200, answers if len(answers) > 1 else answers[0]


def _now(query: Mapping[str, str]) -> tuple[int, Any]:
    if query.get("appid") != KEY:
        return 401, {"cod": 401, "message": "Invalid API key."}
    if "q" in query:
        places = _called(query["q"])
        if not places:
            return 404, {"cod": "404", "message": "city not found"}
        latitude, longitude = places[0].latitude, places[0].longitude
        name, code = places[0].named(query.get("lang", "en"))[0], places[0].code
    else:
        latitude, longitude, name, code = float(query["lat"]), float(query["lon"]), "Here", "DE"
    kelvin = 0 if query.get("units") == "metric" else 273.15
    return 200, {
        "coord": {"lon": longitude, "lat": latitude},
        "weather": [{"id": 800, "main": "Clear", "description": "clear sky", "icon": "01d"}],
        "main": {"temp": warmth(latitude) + kelvin, "pressure": 1015, "humidity": 60},
        "dt": OBSERVED,
        "sys": {"country": code, "sunrise": 1, "sunset": 2},
        "timezone": 3600,
        "id": 2950159,
        "name": name,
        "cod": 200,
    }
