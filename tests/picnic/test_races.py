"""Promise 20 for registrations: one row, the others 409; a look without the constraint loses."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle

import pytest
from aiohttp import ClientResponse
from sqlalchemy import RowMapping, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from picnic.entities import Registration
from picnic.errors import AlreadyRegistered
from picnic.repository import picnics
from tests.picnic.forms import PICNICS, add_city, add_people, add_picnic, in_days, join, read
from tests.support.clients import Client, problem
from tests.support.shops import run, value
from tests.users import conftest
from tests.users.conftest import House

pytestmark = pytest.mark.concurrent
house = conftest.house

AT_ONCE = 20
ROUNDS = 10
PEOPLE = 30
BOUND = 10.0  # seconds
UNIQUE = "uq_registrations_picnic_id_user_id"
COUNT = "SELECT count(*) FROM registrations WHERE picnic_id = :id"

Register = Callable[[AsyncSession, int, int], Awaitable[RowMapping | None]]


def joining(picnic_id: int) -> str:
    """Return where one joins a picnic."""
    return f"{PICNICS}/{picnic_id}/registrations"


async def planned(house: House) -> int:
    """Plan a picnic, in a city and by a user of its own; return its id."""
    (creator_id,) = await add_people(house.database, 1)
    city_id = await add_city(house.database, f"City of {creator_id}")
    return await add_picnic(house.database, city_id, creator_id, in_days(1))


async def both(house: House, name: str) -> tuple[Client, Client]:
    """Sign one user in at both workers."""
    await house.add(name)
    return await house.enter(name, 0), await house.enter(name, 1)


async def told(responses: Sequence[ClientResponse]) -> Counter[int]:
    """Return how often each status came; what is not 201 must say why."""
    for response in responses:
        if response.status != 201:
            await problem(response, 409, "already-registered")
    return Counter(response.status for response in responses)


async def race(picnic_id: int, clients: Sequence[Client], at_once: int) -> Counter[int]:
    """Join a picnic so many times at once, through clients that take turns."""
    turns = zip(cycle(clients), range(at_once), strict=False)
    asked = [client.post(joining(picnic_id)) for client, _ in turns]
    return await told(await asyncio.gather(*asked))


def looking_first(meeting: asyncio.Barrier) -> Register:
    """Return a registration that looks whether there is one, all at once, and then inserts."""
    genuine = picnics.register

    async def register(session: AsyncSession, picnic_id: int, user_id: int) -> RowMapping | None:
        mine = (Registration.picnic_id == picnic_id, Registration.user_id == user_id)
        if (await session.execute(select(Registration.id).where(*mine))).first():
            raise AlreadyRegistered
        async with asyncio.timeout(BOUND):
            await meeting.wait()
        return await genuine(session, picnic_id, user_id)

    return register


class TestOneUser:
    async def test_is_registered_once_of_twenty(self, house: House) -> None:
        clients = await both(house, "anna")
        for number in range(ROUNDS):
            picnic_id = await planned(house)
            assert await race(picnic_id, clients, AT_ONCE) == {201: 1, 409: 19}, number
            assert await value(house.database, COUNT, id=picnic_id) == 1

    async def test_is_registered_twice_by_a_look_without_the_constraint(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clients, picnic_id = await both(house, "anna"), await planned(house)
        await run(house.database, f"ALTER TABLE registrations DROP CONSTRAINT {UNIQUE}")
        monkeypatch.setattr(picnics, "register", looking_first(asyncio.Barrier(2)))
        assert await race(picnic_id, clients, 2) == {201: 2}
        assert await value(house.database, COUNT, id=picnic_id) == 2

    async def test_is_kept_to_one_by_the_constraint_alone(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clients, picnic_id = await both(house, "anna"), await planned(house)
        monkeypatch.setattr(picnics, "register", looking_first(asyncio.Barrier(2)))
        assert await race(picnic_id, clients, 2) == {201: 1, 409: 1}
        assert await value(house.database, COUNT, id=picnic_id) == 1

    async def test_leaves_once(self, house: House) -> None:
        clients, picnic_id = await both(house, "anna"), await planned(house)
        for _ in range(ROUNDS):
            assert (await clients[0].post(joining(picnic_id))).status == 201
            path = f"{joining(picnic_id)}/me"
            left = await asyncio.gather(*(client.delete(path) for client in clients * 5))
            assert Counter(response.status for response in left) == {204: 1, 404: 9}


class TestManyUsers:
    async def test_are_registered_each_once(self, house: House) -> None:
        names, picnic_id = [f"user{n}" for n in range(PEOPLE)], await planned(house)
        await house.add(*names)
        clients = [await house.enter(name, n % 2) for n, name in enumerate(names)]
        for start in range(0, PEOPLE, AT_ONCE // 2):
            some = clients[start : start + AT_ONCE // 2]
            assert await race(picnic_id, some, AT_ONCE) == {201: 10, 409: 10}
        shown = await read(house.visit(), f"{PICNICS}/{picnic_id}/participants", size=100)
        found = [person["username"] for person in shown["items"]]
        assert (sorted(found), shown["total"]) == (sorted(names), PEOPLE)


class TestTable:
    async def test_is_the_last_guard(self, house_database: Database) -> None:
        user_id, creator_id = await add_people(house_database, 2)
        city_id = await add_city(house_database)
        picnic_id = await add_picnic(house_database, city_id, creator_id, in_days(1))
        await join(house_database, picnic_id, user_id, creator_id)
        with pytest.raises(IntegrityError, match=UNIQUE):
            await join(house_database, picnic_id, user_id)
