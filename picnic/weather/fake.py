"""A weather that needs no network: it knows the listed cities, and is warm at the equator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from picnic.entities import fold
from picnic.weather.places import listed
from picnic.weather.protocol import Answer, Coordinates, Found, NotFound, Observation, Observations


class FakeWeather:
    """Answer at once, and at all times the same of a place."""

    places_at_once = 100

    def __init__(self) -> None:
        self._known: Mapping[str, Found] = {fold(city.name): city for city in listed()}

    async def find(self, name: str) -> Answer:
        """Look for a city among the listed ones."""
        found = self._known.get(fold(name))
        if found is None:
            return NotFound()
        return replace(found, observation=_usual(found.coordinates))

    async def observe(self, places: Sequence[Coordinates]) -> Observations:
        """Return how warm it usually is so far from the equator."""
        return {place: _usual(place) for place in places}


def _usual(place: Coordinates) -> Observation:
    """Return what fits a latitude, since the hour began."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Observation(round(30 - abs(place.latitude) / 2, 1), hour)
