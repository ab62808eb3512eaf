"""Applications as they are stored."""

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, PrimaryKey

LONGEST_NAME = 150
LONGEST_DESCRIPTION = 10_000


class Application(Base):
    """What somebody applies for, in his own words."""

    __tablename__ = "applications"
    __table_args__ = (
        Index("ix_applications_created_at_id", "created_at", "id"),
        Index("ix_applications_user_name_created_at_id", "user_name", "created_at", "id"),
        CheckConstraint("user_name <> ''", "user_name"),
        CheckConstraint(
            f"description <> '' AND length(description) <= {LONGEST_DESCRIPTION}", "description"
        ),
    )

    id: Mapped[PrimaryKey]
    user_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    description: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Now]
