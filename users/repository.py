"""Every SQL statement about users."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from users.entities import User

PUBLIC = (
    User.id,
    User.username,
    User.first_name,
    User.second_name,
    User.birthday,
    User.created_at,
)
OWN = (*PUBLIC, User.email, User.is_staff, User.updated_at)
ACCOUNT = (*OWN, User.password_hash, User.session_epoch)

ALIVE = User.deleted_at.is_(None)


async def add_user(session: AsyncSession, values: Mapping[str, Any]) -> RowMapping:
    """Insert a user; return the own columns."""
    statement = insert(User).values(**values).returning(*OWN)
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
    """Return the public columns of the living user with this id."""
    statement = select(*PUBLIC).where(User.id == user_id, ALIVE)
    return (await session.execute(statement)).mappings().one_or_none()


async def change_user(
    session: AsyncSession, user_id: int, changes: Mapping[str, Any]
) -> RowMapping | None:
    """Change a living user; return the own columns."""
    statement = (
        update(User)
        .where(User.id == user_id, ALIVE)
        .values(**changes, updated_at=func.now())
        .returning(*OWN)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def renew_credentials(
    session: AsyncSession, user_id: int, epoch: int, changes: Mapping[str, Any]
) -> int | None:
    """Change what signing in depends on, unless it changed since `epoch`; return the new epoch."""
    statement = (
        update(User)
        .where(User.id == user_id, User.session_epoch == epoch, ALIVE)
        .values(**changes, session_epoch=User.session_epoch + 1, updated_at=func.now())
        .returning(User.session_epoch)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def delete_user(session: AsyncSession, user_id: int) -> int | None:
    """Mark a living user as deleted; return the new session epoch."""
    statement = (
        update(User)
        .where(User.id == user_id, ALIVE)
        .values(
            deleted_at=func.now(),
            updated_at=func.now(),
            session_epoch=User.session_epoch + 1,
        )
        .returning(User.session_epoch)
    )
    return (await session.execute(statement)).scalar_one_or_none()
