"""What the answers of all providers have in common: how names, degrees and moments must look."""

import re
import time
from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, validate

from kit.schemas import Schema, Text
from picnic.entities import LONGEST_COUNTRY, LONGEST_NAME, is_plain
from picnic.weather.protocol import Observation

COLDEST, HOTTEST = -100, 70  # degrees Celsius; nothing on earth was ever beyond
BEHIND = 24 * 3600  # seconds
AHEAD = 3600  # seconds by which the clock of a provider may differ
CYRILLIC = re.compile(r"[\u0400-\u04ff]")


class Part(Schema):
    """Take what is wanted of an object, and leave the rest."""

    class Meta:
        """Say it for all parts."""

        unknown = EXCLUDE


class Temperature(fields.Float):
    """Take degrees Celsius that can be."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(COLDEST, HOTTEST), **kwargs)


class Degrees(fields.Float):
    """Take a latitude or a longitude."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(-most, most), **kwargs)


def _plain(name: str) -> None:
    if not is_plain(name):
        raise ValidationError("Holds a character that no name has.")


class Name(Text):
    """Take the name of a city."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(least=1, most=LONGEST_NAME, blank=False, extra=_plain, **kwargs)


class Country(Text):
    """Take the name of a country, or none: not every place lies in one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(most=LONGEST_COUNTRY, allow_none=True, load_default=None, **kwargs)


class Moment(fields.Integer):
    """Take seconds since 1970 that are not long ago, nor to come."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=_recent, **kwargs)


def _recent(seconds: int) -> None:
    if not -BEHIND <= seconds - time.time() <= AHEAD:
        raise ValidationError("Must be of today.")


def observation(temperature: float, seconds: int) -> Observation:
    """Build an observation from what an answer says."""
    return Observation(temperature, datetime.fromtimestamp(seconds, UTC))


def language_of(name: str) -> str:
    """Return the language to ask in, so that the answer is spelled in the same alphabet."""
    return "ru" if CYRILLIC.search(name) else "en"
