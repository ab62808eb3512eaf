"""A picnic that begins while people come and go: from then on nobody does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from picnic.entities import Registration
from picnic.repository import picnics
from tests.kit.events import until
from tests.picnic.forms import PICNICS, add_city, add_people, add_picnic
from tests.support.clients import Client, problem
from tests.support.shops import value
from tests.users import conftest
from tests.users.conftest import House

pytestmark = pytest.mark.concurrent
house = conftest.house

BOUND = 10.0  # seconds
SOON = timedelta(seconds=1)
LATE = """
SELECT count(*) FROM registrations JOIN picnics ON picnics.id = picnic_id
WHERE registrations.created_at >= picnics.time
"""
HAS_BEGUN = "SELECT time <= clock_timestamp() FROM picnics WHERE id = :id"


Register = Callable[[AsyncSession, int, int], Awaitable[RowMapping | None]]


async def planned(database: Database, time: datetime) -> int:
    """Plan a picnic by somebody who does not come; return its id."""
    (creator_id,) = await add_people(database, 1)
    return await add_picnic(database, await add_city(database), creator_id, time)


def looking_at_the_clock_first(database: Database) -> Register:
    """Return a registration that looks whether the picnic has begun, and inserts when it has."""

    async def register(session: AsyncSession, picnic_id: int, user_id: int) -> RowMapping | None:
        async with database.reading() as looking:
            if await picnics.is_over(looking, picnic_id):
                return None

        async def has_begun() -> Any:
            return await value(database, HAS_BEGUN, id=picnic_id)

        await until(has_begun, BOUND)
        row = {"picnic_id": picnic_id, "user_id": user_id}
        statement = insert(Registration).values(row).returning(*picnics.REGISTRATION)
        return (await session.execute(statement)).mappings().one()

    return register


async def come_and_go(client: Client, picnic_id: int) -> list[tuple[datetime, int]]:
    """Join and leave until the picnic has begun; return when each was asked, and the status."""
    path = f"{PICNICS}/{picnic_id}/registrations"
    answers: list[tuple[datetime, int]] = []
    async with asyncio.timeout(BOUND):
        while True:
            for method, where in (("POST", path), ("DELETE", f"{path}/me")):
                asked = datetime.now(UTC)
                response = await client.request(method, where)
                answers.append((asked, response.status))
                if response.status == 409:
                    await problem(response, 409, "picnic-over")
                    return answers


class TestBeginning:
    async def test_ends_coming_and_going(self, house: House) -> None:
        names = [f"user{n}" for n in range(6)]
        await house.add(*names)
        clients = [await house.enter(name, n % 2) for n, name in enumerate(names)]
        time = datetime.now(UTC) + SOON
        picnic_id = await planned(house.database, time)
        answers = await asyncio.gather(*(come_and_go(one, picnic_id) for one in clients))
        assert any(each[0][1] == 201 for each in answers)
        for each in answers:
            assert {status for asked, status in each if asked > time} <= {409}
            assert {status for _, status in each[:-1]} <= {201, 204}
        assert await value(house.database, LATE) == 0

    async def test_is_missed_by_a_look_before(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await house.add("anna")
        anna = await house.enter("anna")
        picnic_id = await planned(house.database, datetime.now(UTC) + SOON)
        late = looking_at_the_clock_first(house.database)
        monkeypatch.setattr(picnics, "register", late)
        assert (await anna.post(f"{PICNICS}/{picnic_id}/registrations")).status == 201
        assert await value(house.database, LATE) == 1
