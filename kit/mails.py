"""Mails wait in a table, written in the transaction of what they tell about."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    RowMapping,
    String,
    Text,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, locked
from kit.log import bound_request_id
from kit.parking import Parkable

LONGEST_OWNER = 40


@dataclass(frozen=True, slots=True)
class Mail:
    """What to send to whom; no two mails have one name."""

    name: str
    recipient: str
    subject: str
    body: str


class MailRow(Parkable, Base):
    """A mail on its way; where it goes and what it says stay only until it is sent."""

    __tablename__ = "mails"

    name: Mapped[str] = mapped_column(String(100), unique=True)
    recipient: Mapped[str | None] = mapped_column(String(254))
    subject: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[Now]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(LONGEST_OWNER))
    sent_at: Mapped[datetime | None]


FREE = dict.fromkeys(("lease_owner", "lease_until"))
WAITS = (MailRow.sent_at.is_(None), MailRow.dead_at.is_(None))
COLUMNS = (
    *(MailRow.id, MailRow.name, MailRow.recipient, MailRow.subject, MailRow.body),
    *(MailRow.request_id, MailRow.created_at),
)

Index(
    "ix_mails_waiting",
    MailRow.next_at,
    postgresql_where=text("sent_at IS NULL AND dead_at IS NULL"),
)


async def enqueue(session: AsyncSession, mail: Mail) -> None:
    """Add a mail to those that wait, unless there was one of its name."""
    statement = insert(MailRow).values(**asdict(mail), request_id=bound_request_id())
    await session.execute(statement.on_conflict_do_nothing())


async def claim(session: AsyncSession, owner: str, lease: timedelta) -> RowMapping | None:
    """Take the mail that is due for longest, for as long as the lease lasts."""
    free = or_(MailRow.lease_until.is_(None), MailRow.lease_until < func.now())
    due = select(MailRow.id).where(*WAITS, MailRow.next_at <= func.now(), free)
    statement = (
        update(MailRow)
        .where(MailRow.id.in_(locked(due.order_by(MailRow.next_at), 1)))
        .values(lease_owner=owner, lease_until=func.clock_timestamp() + lease)
        .returning(*COLUMNS)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def finish(session: AsyncSession, mail_id: int) -> None:
    """Mark a mail as sent, whoever holds it by now, and forget what it said but its name."""
    forgotten = dict.fromkeys(("recipient", "subject", "body"))
    await _set(session, MailRow.id == mail_id, sent_at=func.now(), **forgotten, **FREE)


async def put_off(
    session: AsyncSession, mail_id: int, owner: str, wait: timedelta, reason: str
) -> None:
    """Let a mail wait that could not be sent through no fault of its own.

    A mail whose lease another worker has by now is that worker's affair.
    """
    if await _set(session, (MailRow.id == mail_id) & (MailRow.lease_owner == owner), **FREE):
        await MailRow.put_off(session, mail_id, wait, reason)


async def fail(
    session: AsyncSession, mail_id: int, owner: str, reason: str, wait: timedelta | None = None
) -> bool:
    """Count a try that failed because of the mail itself; tell whether it was the last one.

    wait: until the next try, else as long as usual.
    """
    mine = await _set(session, (MailRow.id == mail_id) & (MailRow.lease_owner == owner), **FREE)
    parked = mine and await MailRow.fail(session, mail_id, reason)
    if mine and wait is not None and not parked:
        await MailRow.put_off(session, mail_id, wait, reason)
    return parked


async def _set(session: AsyncSession, which: ColumnElement[bool], **values: Any) -> bool:
    """Change a mail that is not sent yet; tell whether there was one."""
    statement = update(MailRow).where(which, MailRow.sent_at.is_(None)).values(**values)
    return (await session.execute(statement.returning(MailRow.id))).first() is not None


async def waiting(session: AsyncSession) -> int:
    """Count the mails that wait to be sent."""
    return (await session.execute(select(func.count()).where(*WAITS))).scalar_one()
