"""Races on what must be unique; each is lost on a house whose guard was removed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle, product
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from kit.passwords import Passwords
from tests.support.clients import PASSWORD, problem, sign_in
from tests.users.conftest import House
from tests.users.forms import ME, PASSWORD_OF_ME, USERS, sign_up_form
from users import repository
from users.entities import User

pytestmark = pytest.mark.concurrent

BOUND = 5.0  # seconds
RACERS = 20
SPELLINGS = ["".join(letters) for letters in product(*zip("RACER", "racer", strict=True))]


async def race_for_username(house: House) -> Sequence[ClientResponse]:
    """Sign up at once with one username in many spellings, on both workers."""
    guests = cycle([house.visit(0), house.visit(1)])
    forms = [
        sign_up_form(username=SPELLINGS[number], email=f"racer{number}@example.org")
        for number in range(RACERS)
    ]
    return await asyncio.gather(*(next(guests).post(USERS, json=form) for form in forms))


async def race_for_email(house: House) -> Sequence[ClientResponse]:
    """Sign up at once with one e-mail in many spellings, on both workers."""
    guests = cycle([house.visit(0), house.visit(1)])
    forms = [
        sign_up_form(username=f"racer{number}", email=f"{SPELLINGS[number]}@example.org")
        for number in range(RACERS)
    ]
    return await asyncio.gather(*(next(guests).post(USERS, json=form) for form in forms))


async def race_by_patch(house: House) -> Sequence[ClientResponse]:
    """Take one e-mail at once as many users, on both workers."""
    names = [f"racer{number}" for number in range(RACERS)]
    await house.add(*names)
    clients = [await house.enter(name, number % 2) for number, name in enumerate(names)]
    bodies = [{"email": f"{spelling}@example.org"} for spelling in SPELLINGS]
    return await asyncio.gather(
        *(client.patch(ME, json=body) for client, body in zip(clients, bodies, strict=False))
    )


Race = Callable[[House], Awaitable[Sequence[ClientResponse]]]

RACES = [
    (race_for_username, User.username, "racer", 201, "username-taken"),
    (race_for_email, User.email, "racer@example.org", 201, "email-taken"),
    (race_by_patch, User.email, "racer@example.org", 200, "email-taken"),
]


async def count(house: House, column: InstrumentedAttribute[str], value: str) -> int:
    """Count the rows that hold a value in any case."""
    async with house.database.reading() as session:
        query = select(func.count()).where(func.lower(column) == value)
        return (await session.execute(query)).scalar_one()


class TestUniqueness:
    @pytest.mark.parametrize(("race", "column", "value", "won", "code"), RACES)
    async def test_lets_exactly_one_win(
        self,
        house: House,
        race: Race,
        column: InstrumentedAttribute[str],
        value: str,
        won: int,
        code: str,
    ) -> None:
        responses = await race(house)
        assert Counter(response.status for response in responses) == {won: 1, 409: RACERS - 1}
        for response in responses:
            if response.status == 409:
                await problem(response, 409, code)
        assert await count(house, column, value) == 1

    @pytest.mark.parametrize(("race", "column", "value", "won", "code"), RACES)
    async def test_shows_the_loss_without_the_index(
        self,
        house: House,
        race: Race,
        column: InstrumentedAttribute[str],
        value: str,
        won: int,
        code: str,
    ) -> None:
        async with house.database.writing() as session:
            await session.execute(text(f"DROP INDEX uq_users_{column.key}"))
        responses = await race(house)
        assert {response.status for response in responses} == {won}, code
        assert await count(house, column, value) == RACERS


NEW_PASSWORDS = [f"new password {number}" for number in range(8)]


async def race_for_password(house: House, patch: pytest.MonkeyPatch) -> list[int]:
    """Change one password at once; all have proven the current one before any is written."""
    await house.add("alice")
    client = await house.enter("alice")
    all_proven, genuine = asyncio.Barrier(len(NEW_PASSWORDS)), Passwords.hash

    async def hash_together(passwords: Passwords, password: str) -> str:
        async with asyncio.timeout(BOUND):
            await all_proven.wait()
        return await genuine(passwords, password)

    patch.setattr(Passwords, "hash", hash_together)
    forms = [{"current_password": PASSWORD, "new_password": new} for new in NEW_PASSWORDS]
    responses = await asyncio.gather(*(client.post(PASSWORD_OF_ME, json=form) for form in forms))
    for response in responses:
        if response.status != 204:
            await problem(response, 403, "wrong-password")
    assert (await client.get(ME)).status == 200
    return [response.status for response in responses]


async def renew_anyway(
    session: AsyncSession, user_id: int, _: int, changes: Mapping[str, Any]
) -> Any:
    """Do as `renew_credentials` without asking whether the account has changed meanwhile."""
    values = {**changes, "session_epoch": User.session_epoch + 1}
    statement = update(User).where(User.id == user_id).values(values)
    columns = (User.id, User.version, User.session_epoch)
    return (await session.execute(statement.returning(*columns))).mappings().one()


class TestTwoChangesOfThePassword:
    async def test_let_exactly_one_win(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        statuses = await race_for_password(house, monkeypatch)
        assert Counter(statuses) == {204: 1, 403: len(NEW_PASSWORDS) - 1}
        tries = [await sign_in(house.visit(1), "alice", password) for password in NEW_PASSWORDS]
        assert [door.status == 200 for door in tries] == [status == 204 for status in statuses]

    async def test_show_the_loss_when_no_epoch_is_compared(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(repository, "renew_credentials", renew_anyway)
        statuses = await race_for_password(house, monkeypatch)
        assert Counter(statuses) == {204: len(NEW_PASSWORDS)}
