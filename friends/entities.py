"""Friendships as they are stored; people are bare ids, for they may live in another database."""

from sqlalchemy import BigInteger, CheckConstraint, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, PrimaryKey

LONGEST_TAG = 64


class Friendship(Base):
    """Two people, the first of whom asked; there is one for a pair, whoever asked."""

    __tablename__ = "friendships"
    __table_args__ = (
        CheckConstraint("initiator_id <> target_id", "two_people"),
        Index("ix_friendships_initiator_id", "initiator_id", "id"),
        Index("ix_friendships_target_id", "target_id", "id"),
    )

    id: Mapped[PrimaryKey]
    initiator_id: Mapped[int] = mapped_column(BigInteger)
    target_id: Mapped[int] = mapped_column(BigInteger)
    tag: Mapped[str] = mapped_column(String(LONGEST_TAG), server_default=text("''"))
    created_at: Mapped[Now]


PAIR = (Friendship.initiator_id, Friendship.target_id)
Index("uq_friendships_pair", func.least(*PAIR), func.greatest(*PAIR), unique=True)
