"""Every SQL statement about picnics and registrations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from picnic.entities import City, Picnic, Registration

SHOWN = 20  # participants beside a picnic
COLUMNS = (Picnic.id, Picnic.time, Picnic.city_id, Picnic.creator_id)
REGISTRATION = (
    *(Registration.id, Registration.user_id),
    *(Registration.picnic_id, Registration.created_at),
)

Rows = Sequence[RowMapping]
Which = Sequence[ColumnElement[bool]]


async def add_picnic(
    session: AsyncSession, city_id: int, creator_id: int, time: datetime
) -> RowMapping | None:
    """Insert a picnic and return it; None when there is no such city."""
    values = select(City.id, literal(creator_id), literal(time)).where(City.id == city_id)
    names = ["city_id", "creator_id", "time"]
    added = insert(Picnic).from_select(names, values).returning(Picnic).cte("added")
    statement = select(
        added.c.id, added.c.time, added.c.city_id, City.name.label("city"), added.c.creator_id
    ).join(City, City.id == added.c.city_id)
    return (await session.execute(statement)).mappings().one_or_none()


def chosen(moment: datetime | None, city_id: int | None, *, past: bool) -> Which:
    """Choose picnics at a moment, in a city, and, unless `past` is wanted, from now on."""
    which: list[ColumnElement[bool]] = []
    which += [] if moment is None else [Picnic.time == moment]
    which += [] if city_id is None else [Picnic.city_id == city_id]
    return which + ([] if past else [Picnic.time >= func.now()])


async def list_picnics(
    session: AsyncSession, which: Which, limit: int, offset: int
) -> tuple[Rows, int]:
    """Return the chosen picnics in the order of their times, and how many there are in all."""
    page = (
        select(*COLUMNS).where(*which).order_by(Picnic.time, Picnic.id).limit(limit).offset(offset)
    )
    rows = (await session.execute(_with_participants(page))).mappings().all()
    count = select(func.count()).select_from(Picnic).where(*which)
    return rows, (await session.execute(count)).scalar_one()


async def get_picnic(session: AsyncSession, picnic_id: int) -> RowMapping | None:
    """Return one picnic."""
    statement = _with_participants(select(*COLUMNS).where(Picnic.id == picnic_id))
    return (await session.execute(statement)).mappings().one_or_none()


async def picnic_exists(session: AsyncSession, picnic_id: int) -> bool:
    """Tell whether there is such a picnic."""
    statement = select(Picnic.id).where(Picnic.id == picnic_id)
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def participants(
    session: AsyncSession, picnic_id: int, limit: int, offset: int
) -> tuple[list[int], int]:
    """Return the ids of those who come, in the order of registration, and how many there are."""
    statement = _registered(picnic_id).order_by(Registration.id).limit(limit).offset(offset)
    count = select(func.count()).where(Registration.picnic_id == picnic_id)
    ids = (await session.execute(statement)).scalars().all()
    return list(ids), (await session.execute(count)).scalar_one()


async def register(session: AsyncSession, picnic_id: int, user_id: int) -> RowMapping | None:
    """Register a user for a picnic that has not begun; None when there is no such picnic."""
    open_one = select(Picnic.id, literal(user_id)).where(*_to_come(picnic_id))
    statement = insert(Registration).from_select(["picnic_id", "user_id"], open_one)
    return (await session.execute(statement.returning(*REGISTRATION))).mappings().one_or_none()


async def unregister(session: AsyncSession, picnic_id: int, user_id: int) -> bool:
    """Delete a registration for a picnic that has not begun; tell whether there was one."""
    statement = (
        delete(Registration)
        .where(Registration.picnic_id == picnic_id, Registration.user_id == user_id)
        .where(Picnic.id == Registration.picnic_id, *_to_come(picnic_id))
    )
    gone = await session.execute(statement.returning(Registration.id))
    return gone.scalar_one_or_none() is not None


async def is_over(session: AsyncSession, picnic_id: int) -> bool | None:
    """Tell whether a picnic has begun; None when there is no such picnic."""
    statement = select(Picnic.time <= func.now()).where(Picnic.id == picnic_id)
    return (await session.execute(statement)).scalar_one_or_none()


def _to_come(picnic_id: int) -> Which:
    return (Picnic.id == picnic_id, Picnic.time > func.now())


def _registered(picnic_id: Any) -> Select[int]:
    return select(Registration.user_id).where(Registration.picnic_id == picnic_id)


def _with_participants(picnics: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Add to each picnic of a page its city, the first who come, and how many there are."""
    page = picnics.subquery("page")
    first = _registered(page.c.id).order_by(Registration.id).limit(SHOWN)
    total = select(func.count()).where(Registration.picnic_id == page.c.id)
    statement = select(
        page,
        City.name.label("city"),
        func.array(first.scalar_subquery(), type_=ARRAY(BigInteger)).label("participants"),
        total.scalar_subquery().label("participants_total"),
    )
    return statement.join(City, City.id == page.c.city_id).order_by(page.c.time, page.c.id)
