"""What this domain needs to know of the weather, whoever knows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from aiohttp import web


class Coordinates(NamedTuple):
    """Name a place on earth, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Observation:
    """Hold how warm it was, in degrees Celsius, and when."""

    temperature: float
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """There is such a city; this is how it is spelled and where it lies."""

    name: str
    country: str | None
    coordinates: Coordinates
    observation: Observation | None = None  # when it came along


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such city, and that is certain."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nobody can tell at this moment; the cause is for the log."""

    cause: str


Answer = Found | NotFound | Unavailable
Observations = Mapping[Coordinates, Observation]


class Weather(Protocol):
    """Know cities and how warm it is there."""

    @property
    def places_at_once(self) -> int:
        """Return how many places one call can be about."""

    async def find(self, name: str) -> Answer:
        """Look for a city by its name."""

    async def observe(self, places: Sequence[Coordinates]) -> Observations | Unavailable:
        """Return what is known of at most `places_at_once` places; odd ones are left out."""


WEATHER = web.AppKey[Weather]("WEATHER")
