"""Every SQL statement about applications."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, RowMapping, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from applications.entities import Application
from kit.pages import Place, newest_first

COLUMNS = (
    *(Application.id, Application.user_name),
    *(Application.description, Application.created_at),
)


async def add_application(session: AsyncSession, user_name: str, description: str) -> RowMapping:
    """Insert an application."""
    values = {"user_name": user_name, "description": description}
    statement = insert(Application).values(values).returning(*COLUMNS)
    return (await session.execute(statement)).mappings().one()


async def list_applications(
    session: AsyncSession, user_name: str | None, limit: int, start: Place | int
) -> Sequence[RowMapping]:
    """Return applications, newest first, from an offset on or behind a place."""
    statement = select(*COLUMNS).where(*_named(user_name))
    statement = newest_first(statement, Application.created_at, Application.id, start)
    return (await session.execute(statement.limit(limit))).mappings().all()


async def count_applications(session: AsyncSession, user_name: str | None) -> int:
    """Count applications."""
    statement = select(func.count()).select_from(Application).where(*_named(user_name))
    return (await session.execute(statement)).scalar_one()


async def get_application(session: AsyncSession, application_id: int) -> RowMapping | None:
    """Return an application."""
    statement = select(*COLUMNS).where(Application.id == application_id)
    return (await session.execute(statement)).mappings().one_or_none()


def _named(user_name: str | None) -> list[ColumnElement[bool]]:
    return [] if user_name is None else [Application.user_name == user_name]
