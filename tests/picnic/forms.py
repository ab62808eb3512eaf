"""What the tests of picnics share: rows that can be overridden, and pages that are read."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from kit.db import Database
from picnic.entities import City, Picnic, Registration, fold, grams
from tests.kit.events import until
from tests.support.clients import API, HASH, Client
from users.entities import User

CITIES = f"{API}/picnic/cities"
PICNICS = f"{API}/picnic/picnics"
CITY = {"id", "name", "country", "latitude", "longitude", "weather"}
SHOWN_PICNIC = {"id", "time", "city", "creator_id", "participants_total", "participants"}

_numbers = itertools.count(1)


def city_row(name: str, **values: Any) -> dict[str, Any]:
    """Return a row of a city, somewhere of its own unless that is given."""
    number, folded = next(_numbers), fold(name)
    where = {"latitude": number % 60 + 0.5, "longitude": number // 60 % 180 + 0.25}
    return {
        "name": name,
        "folded": folded,
        "grams": grams(folded),
        "country": "Nowhere",
        **where,
        **values,
    }


async def add_city(database: Database, name: str = "Springfield", **values: Any) -> int:
    """Insert a city; return its id."""
    statement = insert(City).values(city_row(name, **values)).returning(City.id)
    async with database.writing() as session:
        return (await session.execute(statement)).scalar_one()


async def add_cities(database: Database, names: Iterable[str]) -> None:
    """Insert cities by their names."""
    async with database.writing() as session:
        await session.execute(insert(City), [city_row(name) for name in names])


async def add_picnic(
    database: Database, city_id: int, creator_id: int, time: datetime, **values: Any
) -> int:
    """Insert a picnic at whatever time; return its id."""
    row = {"city_id": city_id, "creator_id": creator_id, "time": time, **values}
    async with database.writing() as session:
        return (
            await session.execute(insert(Picnic).values(row).returning(Picnic.id))
        ).scalar_one()


async def add_people(database: Database, number: int) -> list[int]:
    """Insert users with names of their own; return their ids, ascending."""
    names = [f"guest{next(_numbers)}" for _ in range(number)]
    shared = {"first_name": "A", "second_name": "Guest", "password_hash": HASH}
    rows = [{**shared, "username": name, "email": f"{name}@example.org"} for name in names]
    async with database.writing() as session:
        made = await session.execute(insert(User).values(rows).returning(User.id))
        return sorted(made.scalars())


async def join(database: Database, picnic_id: int, *user_ids: int) -> None:
    """Register users for a picnic, one after another, whenever it is."""
    async with database.writing() as session:
        for user_id in user_ids:
            row = {"picnic_id": picnic_id, "user_id": user_id}
            await session.execute(insert(Registration).values(row))


def in_days(days: float) -> datetime:
    """Return a moment so many days from now, at a full second."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def shown(moment: datetime) -> str:
    """Return a moment as answers show it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def read(client: Client, path: str, **query: object) -> Any:
    """Return the document at a path."""
    params = {name: str(value) for name, value in query.items()}
    response = await client.get(path, params=params)
    assert response.status == 200, await response.text()
    return await response.json()


def bare(city: dict[str, Any]) -> dict[str, Any]:
    """Return a city without its weather, for which nobody waits long on a busy machine."""
    return {name: value for name, value in city.items() if name != "weather"}


async def warm(client: Client, path: str) -> list[dict[str, Any]]:
    """Return the city, or the cities on the page, at a path as soon as all have weather."""
    found: list[dict[str, Any]] = []

    async def all_have() -> bool:
        document = await read(client, path)
        found[:] = document.get("items", [document])
        return all(city["weather"] for city in found)

    await until(all_have)
    return found


async def plan(client: Client, city_id: int, time: str) -> dict[str, Any]:
    """Plan a picnic through the door; return it."""
    response = await client.post(PICNICS, json={"city_id": city_id, "time": time})
    assert response.status == 201, await response.text()
    document: dict[str, Any] = await response.json()
    return document
