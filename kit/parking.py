"""Rows that are tried again and again, later and later, until they are parked for a person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import RowMapping, Text, case, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Now, PrimaryKey

TRIES = 10
LONGEST_WAIT = 10  # seconds between two tries
FIRST_WAIT = 0.2


class Parkable:
    """Count tries, put the next one off, and park a row when it has used up all of them."""

    id: Mapped[PrimaryKey]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_at: Mapped[Now]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)

    @classmethod
    async def fail(cls, session: AsyncSession, row_id: int, reason: str) -> bool:
        """Count a failed try and put the next one off; tell whether the row is parked now."""
        wait = func.least(LONGEST_WAIT, FIRST_WAIT * func.power(2, cls.attempts))
        statement = (
            update(cls)
            .where(cls.id == row_id)
            .values(
                attempts=cls.attempts + 1,
                next_at=func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, wait),
                dead_at=case((cls.attempts + 1 >= TRIES, func.clock_timestamp())),
                last_error=reason,
            )
            .returning(cls.dead_at)
        )
        return (await session.execute(statement)).scalar_one_or_none() is not None

    @classmethod
    async def put_off(
        cls, session: AsyncSession, row_id: int, wait: timedelta, reason: str
    ) -> None:
        """Let a row wait that failed through no fault of its own; no try is used up."""
        later = {"next_at": func.clock_timestamp() + wait, "last_error": reason}
        await session.execute(update(cls).where(cls.id == row_id).values(later))

    @classmethod
    async def parked(cls, session: AsyncSession, columns: Sequence[Any]) -> Sequence[RowMapping]:
        """List the parked rows, the oldest first."""
        statement = select(*columns).where(cls.dead_at.is_not(None)).order_by(cls.id)
        return (await session.execute(statement)).mappings().all()

    @classmethod
    async def retry(
        cls: type[Self], session: AsyncSession, ids: Sequence[int] | None
    ) -> list[int]:
        """Give parked rows, all when `ids` is None, all their tries again; return their ids."""
        statement = update(cls).where(cls.dead_at.is_not(None))
        if ids is not None:
            statement = statement.where(cls.id.in_(ids))
        fresh = {"attempts": 0, "dead_at": None, "next_at": func.clock_timestamp()}
        found = await session.execute(statement.values(**fresh).returning(cls.id))
        return sorted(found.scalars())
