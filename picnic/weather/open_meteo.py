"""Open-Meteo, which needs no key: https://open-meteo.com/en/docs and .../docs/geocoding-api."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from aiohttp import ClientSession
from marshmallow import ValidationError
from yarl import URL

from picnic.entities import fold
from picnic.weather.http import LIMIT, TURN, HttpWeather
from picnic.weather.outages import Outage
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

GEOCODING = URL("https://geocoding-api.open-meteo.com/v1/search")
FORECAST = URL("https://api.open-meteo.com/v1/forecast")
CITY = "PPL"  # how GeoNames' codes of populated places begin; countries and airports have others
SOON = 0.5  # seconds for the weather of a city that has just been found


class Place(Part):
    """Take a place that was found."""

    name = Name(required=True)
    country = Country()
    latitude = Degrees(90, required=True)
    longitude = Degrees(180, required=True)


class Current(Part):
    """Take how warm it is."""

    temperature_2m = Temperature(required=True)
    time = Moment(required=True)


class OpenMeteo(HttpWeather):
    """Ask Open-Meteo, at its public addresses or at one of its own."""

    places_at_once = 50  # an answer about so many takes 20 KiB

    def __init__(self, client: ClientSession, base: str = "") -> None:
        super().__init__(client)
        self._geocoding = URL(base) / "v1" / "search" if base else GEOCODING
        self._forecast = URL(base) / "v1" / "forecast" if base else FORECAST

    async def _find(self, name: str) -> Answer:
        query = {"name": name, "count": "10", "language": language_of(name), "format": "json"}
        url = self._geocoding.with_query(query)
        found = await self.get("find", url, partial(_place, fold(name)))
        if found is None:
            return NotFound()
        coordinates = Coordinates(found["latitude"], found["longitude"])
        return Found(
            name=found["name"],
            country=found["country"],
            coordinates=coordinates,
            observation=await self._soon(coordinates),
        )

    async def _soon(self, place: Coordinates) -> Observation | None:
        """Return how warm it is, when that is known at once."""
        try:
            return (await self._observe([place], turn=SOON, within=SOON)).get(place)
        except Outage:
            return None

    async def _observe(
        self, places: Sequence[Coordinates], turn: float = TURN, within: float = LIMIT
    ) -> Observations:
        query = {
            "latitude": ",".join(f"{place.latitude:.4f}" for place in places),
            "longitude": ",".join(f"{place.longitude:.4f}" for place in places),
            "current": "temperature_2m",
            "temperature_unit": "celsius",
            "timeformat": "unixtime",
        }
        url = self._forecast.with_query(query)
        read = partial(_observations, places)
        return await self.get("observe", url, read, turn=turn, within=within)


def _place(folded: str, _: int, document: Any) -> dict[str, Any] | None:
    """Return the city of this name, else the first that was found, None when there is none."""
    if "error" in document or "reason" in document:
        raise Outage("an error that is told as an answer")
    if "results" not in document and document["generationtime_ms"] is not None:
        return None
    if not isinstance(document["results"], list):
        raise Outage("results that are no list")
    cities = [found for found in document["results"] if found["feature_code"].startswith(CITY)]
    named = [found for found in cities if fold(found["name"]) == folded]
    best = (named or cities)[:1]
    place: dict[str, Any] | None = Place().load(best[0]) if best else None
    return place


def _observations(places: Sequence[Coordinates], _: int, document: Any) -> Observations:
    answers = document if isinstance(document, list) else [document]  # of one place it is bare
    told = [answer.get("current") if isinstance(answer, dict) else None for answer in answers]
    if not any(told):
        raise Outage("no weather at all")
    return dict(_known(zip(places, told, strict=True)))


def _known(
    answers: Iterable[tuple[Coordinates, Any]],
) -> Iterator[tuple[Coordinates, Observation]]:
    """Yield what makes sense; what is odd about one place says nothing about the others."""
    for place, told in answers:
        try:
            current = Current().load(told)
        except ValidationError:
            continue
        yield place, observation(current["temperature_2m"], current["time"])
