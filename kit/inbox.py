"""What a consumer has heard: each event id once, and what could not be handled waits here."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Index,
    LargeBinary,
    RowMapping,
    String,
    UniqueConstraint,
    Uuid,
    case,
    delete,
    exists,
    func,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from kit.db import Base, Now, locked
from kit.parking import Parkable
from kit.tracing import LONGEST_PARENT


class InboxRow(Parkable, Base):
    """An event that one consumer has heard; the payload stays only until it is handled."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("consumer", "event_id"),)

    consumer: Mapped[str] = mapped_column(String(50))
    event_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    topic: Mapped[str] = mapped_column(String(249))
    key: Mapped[str] = mapped_column(String(100))
    event_type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    request_id: Mapped[str | None] = mapped_column(String(128))
    traceparent: Mapped[str | None] = mapped_column(String(LONGEST_PARENT))
    created_at: Mapped[Now]
    handled_at: Mapped[datetime | None]


Fate = Callable[[AsyncSession, int], Awaitable[Any]]  # what a failed try means for a row

FACTS = ("event_id", "topic", "key", "event_type", "payload", "request_id", "traceparent")

Index(
    "ix_inbox_waiting",
    *(InboxRow.consumer, InboxRow.topic, InboxRow.key, InboxRow.id),
    postgresql_where=text("handled_at IS NULL AND dead_at IS NULL"),
)
Index("ix_inbox_handled_at", InboxRow.handled_at)


async def admit(session: AsyncSession, consumer: str, event: Mapping[str, Any]) -> bool:
    """Note an event; True when it is to be handled now, in this transaction.

    It is not when it was heard before, nor when it must wait behind an older one of its key.
    """
    behind = exists().where(
        InboxRow.consumer == consumer,
        InboxRow.topic == event["topic"],
        InboxRow.key == event["key"],
        InboxRow.handled_at.is_(None),
        InboxRow.dead_at.is_(None),
    )
    row = {
        **event,
        "consumer": consumer,
        "payload": case((behind, event["payload"])),
        "handled_at": case((behind, null()), else_=func.now()),
    }
    statement = insert(InboxRow).values(row).on_conflict_do_nothing()
    handled_at = statement.returning(InboxRow.handled_at)
    return (await session.execute(handled_at)).scalar_one_or_none() is not None


async def keep(
    session: AsyncSession, consumer: str, event: Mapping[str, Any], failed: Fate
) -> None:
    """Keep an event whose first try failed."""
    statement = insert(InboxRow).values(**event, consumer=consumer).on_conflict_do_nothing()
    row_id = (await session.execute(statement.returning(InboxRow.id))).scalar_one_or_none()
    if row_id is not None:
        await failed(session, row_id)


async def due(session: AsyncSession, consumer: str) -> RowMapping | None:
    """Lock and return the event that is due for longest, unless an older one of its key waits."""
    older = aliased(InboxRow)
    behind = exists().where(
        older.consumer == InboxRow.consumer,
        older.topic == InboxRow.topic,
        older.key == InboxRow.key,
        older.id < InboxRow.id,
        older.handled_at.is_(None),
        older.dead_at.is_(None),
    )
    columns = (InboxRow.id, *(getattr(InboxRow, name) for name in FACTS))
    statement = (
        select(*columns)
        .where(
            InboxRow.consumer == consumer,
            InboxRow.handled_at.is_(None),
            InboxRow.dead_at.is_(None),
            InboxRow.next_at <= func.now(),
            ~behind,
        )
        .order_by(InboxRow.next_at, InboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def finish(session: AsyncSession, row_id: int) -> None:
    """Mark an event as handled and forget what it said."""
    done = {"handled_at": func.now(), "payload": None}
    await session.execute(update(InboxRow).where(InboxRow.id == row_id).values(done))


async def prune(session: AsyncSession, *, kept: timedelta, most: int) -> int:
    """Forget events that were handled longer ago than `kept`, at most so many; return how many."""
    old = locked(select(InboxRow.id).where(InboxRow.handled_at < func.now() - kept), most)
    gone = await session.execute(
        delete(InboxRow).where(InboxRow.id.in_(old)).returning(InboxRow.id)
    )
    return len(gone.all())
