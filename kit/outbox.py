"""Events wait in a table, written in the transaction of what they tell about."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Index,
    Interval,
    LargeBinary,
    RowMapping,
    String,
    Uuid,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from kit import tracing
from kit.db import Base, Now, locked
from kit.log import bound_request_id
from kit.parking import Parkable
from kit.tracing import LONGEST_PARENT

LONGEST_OWNER = 40
CLAIMING = 7_300_003  # whoever claims holds this advisory lock for a moment
RECORDING = 7_300  # the first half of the advisory locks that are taken per key


class OutboxRow(Parkable, Base):
    """An event on its way to a topic; rows of one key leave in the order of their ids."""

    __tablename__ = "outbox"

    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, server_default=text("gen_random_uuid()"))
    topic: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(100))
    event_type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    request_id: Mapped[str | None] = mapped_column(String(128))
    traceparent: Mapped[str | None] = mapped_column(String(LONGEST_PARENT))
    created_at: Mapped[Now]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(LONGEST_OWNER))
    published_at: Mapped[datetime | None]


WAITS = (OutboxRow.published_at.is_(None), OutboxRow.dead_at.is_(None))
COLUMNS = (
    *(OutboxRow.id, OutboxRow.event_id, OutboxRow.topic, OutboxRow.key, OutboxRow.event_type),
    *(OutboxRow.payload, OutboxRow.request_id, OutboxRow.traceparent),
    *(OutboxRow.created_at, OutboxRow.attempts),
)

_waiting = text("published_at IS NULL AND dead_at IS NULL")
Index("ix_outbox_waiting", OutboxRow.id, postgresql_where=_waiting)
Index(
    "ix_outbox_waiting_key",
    *(OutboxRow.topic, OutboxRow.key, OutboxRow.id),
    postgresql_where=_waiting,
)
Index("ix_outbox_published_at", OutboxRow.published_at)
Index("ix_outbox_parked", OutboxRow.id, postgresql_where=text("dead_at IS NOT NULL"))


async def record(
    session: AsyncSession, topic: str, key: object, event_type: str, payload: Mapping[str, Any]
) -> None:
    """Record an event; it exists if and only if the transaction commits.

    Transactions that record for one key wait for each other before the row gets its id, so ids
    of one key grow in the order of the commits.
    """
    row = {
        "topic": topic,
        "key": str(key),
        "event_type": event_type,
        "payload": orjson.dumps(payload, default=str, option=orjson.OPT_UTC_Z),
        "request_id": bound_request_id(),
        "traceparent": tracing.carried(),
    }
    lock = func.pg_advisory_xact_lock(RECORDING, func.hashtext(f"{topic}/{key}"))
    turn = select(lock.label("turn")).cte("turn").prefix_with("MATERIALIZED")
    values = select(
        *(literal(value, OutboxRow.__table__.c[name].type) for name, value in row.items())
    )
    await session.execute(insert(OutboxRow).from_select([*row], values.select_from(turn)))


async def claim(
    session: AsyncSession,
    owner: str,
    lease: timedelta,
    most: int,
    *,
    but: Sequence[str] = (),
) -> Sequence[RowMapping]:
    """Take the oldest waiting rows, but those of some topics, for as long as the lease lasts.

    A row stays behind while an older one of its key is leased or waits for another try. Claims
    take turns, so each sees what the one before it took.
    """
    await session.execute(select(func.pg_advisory_xact_lock(CLAIMING)))
    older = aliased(OutboxRow)
    held = exists().where(
        older.topic == OutboxRow.topic,
        older.key == OutboxRow.key,
        older.id < OutboxRow.id,
        older.published_at.is_(None),
        older.dead_at.is_(None),
        or_(older.next_at > func.now(), older.lease_until >= func.now()),
    )
    free = or_(OutboxRow.lease_until.is_(None), OutboxRow.lease_until < func.now())
    due = OutboxRow.next_at <= func.now()
    ids = select(OutboxRow.id).where(*WAITS, due, free, ~held, OutboxRow.topic.not_in(but))
    ids = ids.order_by(OutboxRow.id).limit(most)
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids))
        .values(lease_owner=owner, lease_until=func.clock_timestamp() + lease)
        .returning(*COLUMNS)
    )
    rows = (await session.execute(statement)).mappings().all()
    return sorted(rows, key=lambda row: row["id"])


async def publish(session: AsyncSession, ids: Sequence[int]) -> None:
    """Mark rows as sent, whoever holds them by now."""
    await _settle(session, OutboxRow.id.in_(ids), published_at=func.clock_timestamp())


async def release(session: AsyncSession, ids: Sequence[int], owner: str) -> None:
    """Give rows back that were not sent through no fault of theirs; no try is used up."""
    await _settle(session, OutboxRow.id.in_(ids) & (OutboxRow.lease_owner == owner))


async def fail(session: AsyncSession, row_id: int, owner: str, reason: str) -> bool:
    """Count a try that failed because of the row itself; tell whether it was the last one.

    A row whose lease another relay has by now is that relay's affair.
    """
    mine = await _settle(session, (OutboxRow.id == row_id) & (OutboxRow.lease_owner == owner))
    return bool(mine) and await OutboxRow.fail(session, row_id, reason)


async def _settle(session: AsyncSession, which: ColumnElement[bool], **values: Any) -> int:
    """End leases of rows that are not sent yet; return how many."""
    freed = {"lease_until": None, "lease_owner": None}
    statement = update(OutboxRow).where(which, OutboxRow.published_at.is_(None))
    found = await session.execute(statement.values(**freed, **values).returning(OutboxRow.id))
    return len(found.all())


async def peek(session: AsyncSession) -> None:
    """Look at the table, whatever lies in it."""
    await session.execute(select(OutboxRow.id).limit(1))


async def waiting(session: AsyncSession, most: int | None = None) -> tuple[int, timedelta | None]:
    """Count the rows that wait to be sent, up to `most`, and tell the age of the oldest."""
    rows = select(OutboxRow.created_at).where(*WAITS).order_by(OutboxRow.id).limit(most).subquery()
    age = func.now() - func.min(rows.c.created_at)
    found = await session.execute(select(func.count(), age.cast(Interval)).select_from(rows))
    number, oldest = found.one()
    return number, oldest


async def prune(session: AsyncSession, *, kept: timedelta, most: int) -> int:
    """Delete rows that were sent longer ago than `kept`, at most so many; return how many."""
    old = locked(select(OutboxRow.id).where(OutboxRow.published_at < func.now() - kept), most)
    gone = await session.execute(
        delete(OutboxRow).where(OutboxRow.id.in_(old)).returning(OutboxRow.id)
    )
    return len(gone.all())
