"""Cities, picnics and registrations as they are stored."""

import re
import unicodedata
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, PrimaryKey

LONGEST_NAME = 100  # and some letters fold to 18, while an index takes 2700 bytes at most
LONGEST_COUNTRY = 100
LONGEST_GRAM = 3  # letters
UNREADABLE = ("Cc", "Cf", "Co", "Cn")  # general categories of Unicode
JOINERS = re.compile("[\u200c\u200d]")  # without which some alphabets cannot be written
SPACES = re.compile(r"\s+")


def spelled(name: str) -> str:
    """Return a name with single spaces, and none around it."""
    return " ".join(name.split())


def is_plain(name: str) -> bool:
    """Tell whether a name holds only what can be read: nothing that steers, or has no meaning."""
    return not any(unicodedata.category(letter) in UNREADABLE for letter in JOINERS.sub("", name))


def fold(text: str) -> str:
    """Return what texts have in common that differ in case, width, composition or spaces only."""
    text = SPACES.sub(" ", text)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def grams(folded: str) -> list[str]:
    """Return each piece of one to three letters, in order and once."""
    lengths = range(1, LONGEST_GRAM + 1)
    pieces = (folded[at : at + n] for n in lengths for at in range(len(folded) - n + 1))
    return sorted(set(pieces))


def clues(folded: str) -> list[str]:
    """Return the pieces that whatever holds this text must hold: the longest are the rarest."""
    return [gram for gram in grams(folded) if len(gram) == min(len(folded), LONGEST_GRAM)]


class City(Base):
    """A place that a weather service knows; its name is unique in any case.

    What it is searched by is folded in Python: then it does not depend on the locale of a
    database, nor on an extension that not every PostgreSQL has.
    """

    __tablename__ = "cities"
    __table_args__ = (
        UniqueConstraint("folded", name="uq_cities_folded"),
        Index("ix_cities_grams", "grams", postgresql_using="gin"),
        CheckConstraint("name <> ''", "name"),
        CheckConstraint("latitude BETWEEN -90 AND 90", "latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", "longitude"),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    folded: Mapped[str] = mapped_column(Text)
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    country: Mapped[str | None] = mapped_column(String(LONGEST_COUNTRY))
    latitude: Mapped[float]
    longitude: Mapped[float]
    created_at: Mapped[Now]


class Picnic(Base):
    """A picnic in a city at a moment, which no change of clocks moves."""

    __tablename__ = "picnics"
    __table_args__ = (
        Index("ix_picnics_time_id", "time", "id"),
        Index("ix_picnics_city_id_time_id", "city_id", "time", "id"),
        Index("ix_picnics_creator_id", "creator_id"),
    )

    id: Mapped[PrimaryKey]
    city_id: Mapped[int] = mapped_column(ForeignKey("cities.id"))
    creator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    time: Mapped[datetime]
    created_at: Mapped[Now]


class Registration(Base):
    """A user who comes to a picnic."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("picnic_id", "user_id"),
        Index("ix_registrations_picnic_id_id", "picnic_id", "id"),
        Index("ix_registrations_user_id", "user_id"),
    )

    id: Mapped[PrimaryKey]
    picnic_id: Mapped[int] = mapped_column(ForeignKey("picnics.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Now]
