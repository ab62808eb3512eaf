"""Users as they are stored, and the small rules about them."""

from calendar import isleap
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, PrimaryKey

USERNAME = r"[A-Za-z0-9_.-]{3,32}"
OLDEST = 150  # years


class User(Base):
    """A person with a login; `deleted_at` keeps the row and the names when the person has gone."""

    __tablename__ = "users"

    id: Mapped[PrimaryKey]
    username: Mapped[str] = mapped_column(String(32))
    email: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(Text)
    first_name: Mapped[str] = mapped_column(String(100))
    second_name: Mapped[str] = mapped_column(String(100))
    birthday: Mapped[date | None]
    is_staff: Mapped[bool] = mapped_column(server_default=text("false"))
    # grows with each change that must end the sessions: password, deletion, role
    session_epoch: Mapped[int] = mapped_column(server_default=text("0"))
    # grows with each change of the row, so that a cache can tell which of two cards is older
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[Now]
    updated_at: Mapped[Now]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"username ~ '^{USERNAME}$'", "username"),
        CheckConstraint("email ~ '^[!-~]+@[!-~]+$'", "email"),
        CheckConstraint("first_name <> '' AND second_name <> ''", "names"),
        CheckConstraint("session_epoch >= 0", "session_epoch"),
    )


Index("uq_users_username", func.lower(User.username), unique=True)
Index("uq_users_email", func.lower(User.email), unique=True)
Index("ix_users_birthday", User.birthday, User.id, postgresql_where=text("deleted_at IS NULL"))


CARDS = 1  # grows when cards get other fields, so that no release reads those of another one


def cache_name(user_id: int) -> str:
    """Return the name under which a user's card is cached."""
    return f"user-card-{CARDS}/{user_id}"


def age_on(day: date, birthday: date | None) -> int | None:
    """Return the full years between a birthday and a day."""
    if birthday is None:
        return None
    had_it = (day.month, day.day) >= (birthday.month, birthday.day)
    return day.year - birthday.year - (0 if had_it else 1)


def latest_birthday(day: date, age: int) -> date:
    """Return the last birthday of those who are `age` or older on a day."""
    year = day.year - age
    leapless = (day.month, day.day) == (2, 29) and not isleap(year)
    return date(year, 2, 28) if leapless else date(year, day.month, day.day)
