"""The keys under which something was done once, as they are stored."""

from datetime import timedelta

from sqlalchemy import BigInteger, Index, LargeBinary, String, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, locked

KEPT = timedelta(hours=24)


class IdempotencyKey(Base):
    """A key that was used, with the answer that was given."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    operation: Mapped[str] = mapped_column(String(100), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    location: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[Now]


async def prune(session: AsyncSession, *, most: int) -> int:
    """Forget keys that are too old, at most so many; return how many."""
    key = (columns := IdempotencyKey.__table__.c).operation, columns.user_id, columns.key
    old = locked(select(*key).where(columns.created_at < func.now() - KEPT), most)
    gone = await session.execute(
        delete(IdempotencyKey).where(tuple_(*key).in_(old)).returning(columns.key)
    )
    return len(gone.all())
