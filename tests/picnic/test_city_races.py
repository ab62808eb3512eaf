"""Promise 20 for cities: whoever adds one at once, in whatever case, there is one row."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy import RowMapping, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from picnic.entities import City
from picnic.repository import cities
from picnic.weather.fake import FakeWeather
from picnic.weather.places import listed
from picnic.weather.protocol import Answer
from tests.picnic.forms import CITIES, add_city
from tests.support.clients import Client
from tests.support.shops import rows, run
from tests.users import conftest
from tests.users.conftest import House

pytestmark = pytest.mark.concurrent
house = conftest.house

AT_ONCE = 20
ROUNDS = 20
BOUND = 10.0  # seconds
NAME = "Москва"
SPELLINGS = [NAME, NAME.lower(), NAME.upper(), NAME.swapcase(), f"  {NAME}  "]
ROWS = "SELECT id, name, folded FROM cities"


async def visitors(house: House) -> tuple[Client, Client]:
    """Sign in one user at each worker."""
    await house.add("anna", "boris")
    return await house.enter("anna", 0), await house.enter("boris", 1)


async def race(clients: Sequence[Client], names: Sequence[str]) -> list[ClientResponse]:
    """Add cities by these names at once, through clients that take turns."""
    pairs = zip(cycle(clients), names, strict=False)
    return await asyncio.gather(*(one.post(CITIES, json={"name": name}) for one, name in pairs))


def statuses(responses: Sequence[ClientResponse]) -> Counter[int]:
    """Return how often each status came."""
    return Counter(response.status for response in responses)


def meet_at_the_weather(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let so many ask for a city before the first of them gets an answer."""
    meeting, genuine = asyncio.Barrier(number), FakeWeather.find

    async def find(self: FakeWeather, name: str) -> Answer:
        async with asyncio.timeout(BOUND):
            await meeting.wait()
        return await genuine(self, name)

    monkeypatch.setattr(FakeWeather, "find", find)


def look_first(meeting: asyncio.Barrier) -> Any:
    """Return an insert that first looks whether there is such a city, all at the same time."""

    async def add(session: AsyncSession, values: dict[str, Any]) -> RowMapping | None:
        if await cities.find_city(session, values["folded"]):
            return None
        async with asyncio.timeout(BOUND):
            await meeting.wait()
        statement = insert(City).values(**values).returning(*cities.COLUMNS)
        return (await session.execute(statement)).mappings().one()

    return add


class TestOneCity:
    async def test_is_added_once_of_twenty_in_any_case(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clients = await visitors(house)
        meet_at_the_weather(monkeypatch, AT_ONCE)
        names = [name for name, _ in zip(cycle(SPELLINGS), range(AT_ONCE), strict=False)]
        responses = await race(clients, names)
        assert statuses(responses) == {201: 1, 200: 19}
        documents = [await response.json() for response in responses]
        (row,) = await rows(house.database, ROWS)
        assert row == {"id": documents[0]["id"], "name": NAME, "folded": "москва"}
        assert {(each["id"], each["name"]) for each in documents} == {(row["id"], NAME)}
        located = [response for response in responses if "Location" in response.headers]
        assert [response.status for response in located] == [201]
        assert located[0].headers["Location"] == f"{CITIES}/{row['id']}"

    async def test_is_added_once_of_two_again_and_again(self, house: House) -> None:
        clients = await visitors(house)
        names = [city.name for city, _ in zip(listed(), range(ROUNDS), strict=False)]
        for name in names:
            responses = await race(clients, [name.upper(), name.lower()])
            assert statuses(responses) == {201: 1, 200: 1}, name
        assert sorted(row["name"] for row in await rows(house.database, ROWS)) == sorted(names)

    async def test_is_added_twice_by_a_look_without_the_constraint(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clients = await visitors(house)
        await run(house.database, "ALTER TABLE cities DROP CONSTRAINT uq_cities_folded")
        monkeypatch.setattr(cities, "add_city", look_first(asyncio.Barrier(2)))
        assert statuses(await race(clients, SPELLINGS[:2])) == {201: 2}
        assert len(await rows(house.database, ROWS)) == 2


class TestTable:
    async def test_is_the_last_guard(self, house_database: Database) -> None:
        await add_city(house_database, "Straße")
        with pytest.raises(IntegrityError, match="uq_cities_folded"):
            await add_city(house_database, "STRASSE")
