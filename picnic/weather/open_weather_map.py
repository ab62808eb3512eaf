"""OpenWeatherMap, which needs a key: https://openweathermap.org/current."""

from collections.abc import Sequence
from typing import Any

from aiohttp import ClientSession
from marshmallow import ValidationError, fields
from yarl import URL

from picnic.weather.http import TURN, HttpWeather
from picnic.weather.outages import unclear
from picnic.weather.parts import (
    Country,
    Degrees,
    Moment,
    Name,
    Part,
    Temperature,
    language_of,
    observation,
)
from picnic.weather.protocol import Answer, Coordinates, Found, NotFound, Observation, Observations

UNKNOWN = ("city not found", "Nothing to geocode")
BASE = URL("https://api.openweathermap.org")


class Lies(Part):
    """Take where a city lies."""

    lat = Degrees(90, required=True)
    lon = Degrees(180, required=True)


class Sys(Part):
    """Take the country's code."""

    country = Country()


class City(Part):
    """Take a city that was found."""

    name = Name(required=True)
    coord = fields.Nested(Lies(), required=True)
    sys = fields.Nested(Sys(), load_default=lambda: {"country": None})


class Now(Part):
    """Take how warm it is."""

    temp = Temperature(required=True)
    dt = Moment(required=True)


class OpenWeatherMap(HttpWeather):
    """Ask OpenWeatherMap, one place a call; the key stands in the address, so no log names one."""

    places_at_once = 1
    clear = frozenset({200, 400, 404})

    def __init__(self, client: ClientSession, key: str, base: str = "") -> None:
        super().__init__(client)
        self._now = (URL(base) if base else BASE) / "data" / "2.5" / "weather"
        self._fixed = {"units": "metric", "appid": key}

    async def _find(self, name: str) -> Answer:
        query = {"q": name, "lang": language_of(name), **self._fixed}
        return await self.get("find", self._now.with_query(query), _city)

    async def _observe(self, places: Sequence[Coordinates]) -> Observations:
        known: dict[Coordinates, Observation] = {}
        for place in places:
            where = {"lat": f"{place.latitude:.4f}", "lon": f"{place.longitude:.4f}"}
            url = self._now.with_query({**where, **self._fixed})
            if seen := await self.get("observe", url, _observation, turn=TURN):
                known[place] = seen
        return known


def _city(status: int, document: Any) -> Answer:
    if status != 200:
        if document["message"] not in UNKNOWN:  # the address may be wrong
            raise unclear(status)
        return NotFound()
    found = City().load(document)
    return Found(
        name=found["name"],
        country=found["sys"]["country"],
        coordinates=Coordinates(found["coord"]["lat"], found["coord"]["lon"]),
        observation=_observation(status, document),
    )


def _observation(status: int, document: Any) -> Observation | None:
    """Return how warm it is, None when that makes no sense."""
    if status != 200:
        raise unclear(status)
    told = {"temp": document["main"].get("temp"), "dt": document["dt"]}
    try:
        now = Now().load(told)
    except ValidationError:
        return None
    return observation(now["temp"], now["dt"])
