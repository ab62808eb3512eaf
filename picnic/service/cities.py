"""Look up cities with their weather, and add what the weather service knows."""

from collections.abc import Sequence
from typing import Any, assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from kit.log import logger
from kit.pages import Row
from picnic.entities import fold, grams, spelled
from picnic.errors import CityNotFound, UnknownCity, WeatherUnavailable
from picnic.repository import cities
from picnic.weather.forecasts import Forecasts
from picnic.weather.protocol import Coordinates, Found, NotFound, Unavailable, Weather


async def known(session: AsyncSession, name: str) -> Row | None:
    """Return the city of this name in any case, if it is here."""
    return await cities.find_city(session, fold(spelled(name)))


async def look_for(weather: Weather, name: str) -> Found:
    """Ask the weather service for a city; no transaction is open meanwhile.

    Raises:
        UnknownCity: there is none.
        WeatherUnavailable: nobody can tell.
    """
    answer = await weather.find(spelled(name))
    match answer:
        case Found():
            return answer
        case NotFound():
            raise UnknownCity(errors=[{"pointer": "/name", "message": "No such city is known."}])
        case Unavailable():
            logger.warning("city not looked for", cause=answer.cause)
            raise WeatherUnavailable
        case _:
            assert_never(answer)


async def add_city(session: AsyncSession, found: Found) -> tuple[Row, bool]:
    """Add a city as the weather service spells it; return it, and whether it is new."""
    name = spelled(found.name)
    folded = fold(name)
    values = {
        "name": name,
        "folded": folded,
        "grams": grams(folded),
        "country": found.country or None,
        "latitude": found.coordinates.latitude,
        "longitude": found.coordinates.longitude,
    }
    added = await cities.add_city(session, values)
    if added is not None:
        return added, True
    return await cities.named(session, folded), False


async def get_city(session: AsyncSession, city_id: int) -> Row:
    """Return a city.

    Raises:
        CityNotFound: there is none.
    """
    city = await cities.get_city(session, city_id)
    if city is None:
        raise CityNotFound
    return city


async def list_cities(
    session: AsyncSession, *, q: str, page: int, size: int
) -> tuple[Sequence[Row], int]:
    """Return a page of the cities whose name holds `q`, and how many there are in all."""
    return await cities.list_cities(session, fold(q), size, (page - 1) * size)


async def with_weather(forecasts: Forecasts, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Add to each city how warm it is there, None where nobody knows."""
    seen = await forecasts.of(_place(row) for row in rows)
    return [{**row, "weather": seen.get(_place(row))} for row in rows]


def _place(row: Row) -> Coordinates:
    return Coordinates(row["latitude"], row["longitude"])
