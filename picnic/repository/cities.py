"""Every SQL statement about cities."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import contains
from picnic.entities import LONGEST_GRAM, City, clues

COLUMNS = (City.id, City.name, City.country, City.latitude, City.longitude)


async def add_city(session: AsyncSession, values: Mapping[str, Any]) -> RowMapping | None:
    """Insert a city, unless its name is there already."""
    statement = insert(City).values(**values).on_conflict_do_nothing(constraint="uq_cities_folded")
    return (await session.execute(statement.returning(*COLUMNS))).mappings().one_or_none()


async def find_city(session: AsyncSession, folded: str) -> RowMapping | None:
    """Return the city of this name."""
    statement = select(*COLUMNS).where(City.folded == folded)
    return (await session.execute(statement)).mappings().one_or_none()


async def named(session: AsyncSession, folded: str) -> RowMapping:
    """Return the city of this name, which is here."""
    statement = select(*COLUMNS).where(City.folded == folded)
    return (await session.execute(statement)).mappings().one()


async def get_city(session: AsyncSession, city_id: int) -> RowMapping | None:
    """Return one city."""
    statement = select(*COLUMNS).where(City.id == city_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def list_cities(
    session: AsyncSession, part: str, limit: int, offset: int
) -> tuple[Sequence[RowMapping], int]:
    """Return the cities whose folded name holds `part`, by name, and how many there are in all."""
    which = _holding(part)
    statement = select(*COLUMNS).where(*which).order_by(City.folded, City.id)
    rows = (await session.execute(statement.limit(limit).offset(offset))).mappings().all()
    count = select(func.count()).select_from(City).where(*which)
    return rows, (await session.execute(count)).scalar_one()


def _holding(part: str) -> list[ColumnElement[bool]]:
    """Choose by the pieces, for which there is an index; then, unless it is one, by the text."""
    if not part:
        return []
    text = [] if len(part) <= LONGEST_GRAM else [City.folded.like(contains(part))]
    return [City.grams.contains(clues(part)), *text]
