"""Every SQL statement about users."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    RowMapping,
    any_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import contains
from users.entities import User

CARD = ("id", "username", "first_name", "second_name", "birthday", "created_at")
PUBLIC = tuple(getattr(User, name) for name in CARD)
OWN = (*PUBLIC, User.email, User.is_staff, User.updated_at)
NUMBERS = (User.version, User.session_epoch)  # that only grow
ACCOUNT = (*OWN, *NUMBERS, User.password_hash)

ALIVE = User.deleted_at.is_(None)
CHANGED = {"updated_at": func.now(), "version": User.version + 1}

Which = Sequence[ColumnElement[bool]]


async def add_user(session: AsyncSession, values: Mapping[str, Any]) -> RowMapping:
    """Insert a user; return the own columns."""
    statement = insert(User).values(**values).returning(*OWN, *NUMBERS)
    return (await session.execute(statement)).mappings().one()


async def find_account(session: AsyncSession, login: str) -> RowMapping | None:
    """Return the living user with this username or e-mail, in any case."""
    name = func.lower(login)
    named = or_(func.lower(User.username) == name, func.lower(User.email) == name)
    return await _account(session, named)


async def get_account(session: AsyncSession, user_id: int) -> RowMapping | None:
    """Return the living user with this id."""
    return await _account(session, User.id == user_id)


async def _account(session: AsyncSession, which: ColumnElement[bool]) -> RowMapping | None:
    statement = select(*ACCOUNT).where(which, ALIVE)
    return (await session.execute(statement)).mappings().one_or_none()


async def get_public(session: AsyncSession, user_id: int) -> RowMapping | None:
    """Return the public columns of a user, living or not, with its version and `deleted_at`."""
    statement = select(*PUBLIC, User.version, User.deleted_at).where(User.id == user_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def user_exists(session: AsyncSession, user_id: int) -> bool:
    """Tell whether there is a living user with this id."""
    statement = select(User.id).where(User.id == user_id, ALIVE)
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def get_cards(session: AsyncSession, ids: Sequence[int]) -> Sequence[RowMapping]:
    """Return the public columns of the living users among these ids."""
    wanted = User.id == any_(literal(list(ids), ARRAY(BigInteger)))  # one statement for any length
    return (await session.execute(select(*PUBLIC).where(wanted, ALIVE))).mappings().all()


def living(
    q: str | None = None, born_after: date | None = None, born_until: date | None = None
) -> Which:
    """Choose the living users whose names hold `q` and whose birthday lies between two days."""
    which: list[ColumnElement[bool]] = [ALIVE]
    if q:
        names = (User.username, User.first_name, User.second_name)
        which.append(or_(*(name.ilike(contains(q)) for name in names)))
    which += [] if born_after is None else [User.birthday > born_after]
    return which + ([] if born_until is None else [User.birthday <= born_until])


def deleted() -> Which:
    """Choose the deleted users."""
    return [User.deleted_at.is_not(None)]


async def list_users(
    session: AsyncSession, columns: Sequence[Any], which: Which, limit: int, offset: int
) -> tuple[Sequence[RowMapping], int]:
    """Return some columns of the chosen users by id, and how many there are in all."""
    statement = select(*columns).where(*which).order_by(User.id).limit(limit).offset(offset)
    rows = (await session.execute(statement)).mappings().all()
    count = select(func.count()).select_from(User).where(*which)
    return rows, (await session.execute(count)).scalar_one()


async def change_user(
    session: AsyncSession, user_id: int, changes: Mapping[str, Any]
) -> RowMapping | None:
    """Change a living user; return the own columns."""
    statement = (
        update(User)
        .where(User.id == user_id, ALIVE)
        .values(**changes, **CHANGED)
        .returning(*OWN, *NUMBERS)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def renew_credentials(
    session: AsyncSession, user_id: int, epoch: int, changes: Mapping[str, Any]
) -> RowMapping | None:
    """Change what signing in depends on, unless it changed since `epoch`."""
    statement = (
        update(User)
        .where(User.id == user_id, User.session_epoch == epoch, ALIVE)
        .values(**changes, session_epoch=User.session_epoch + 1, **CHANGED)
        .returning(*OWN, *NUMBERS)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def delete_user(session: AsyncSession, user_id: int) -> RowMapping | None:
    """Mark a living user as deleted."""
    gone = {"deleted_at": func.now(), "session_epoch": User.session_epoch + 1}
    return await _mark(session, (User.id == user_id, ALIVE), gone)


async def restore_user(session: AsyncSession, user_id: int) -> RowMapping | None:
    """Take the mark off a deleted user."""
    which = (User.id == user_id, *deleted())
    return await _mark(session, which, {"deleted_at": None})


async def _mark(
    session: AsyncSession, which: Which, values: Mapping[str, Any]
) -> RowMapping | None:
    statement = update(User).where(*which).values(**values, **CHANGED)
    return (await session.execute(statement.returning(*OWN, *NUMBERS))).mappings().one_or_none()
