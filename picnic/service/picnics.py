"""Plan picnics, look who comes, join and leave."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import violations
from kit.errors import NotYourself
from kit.pages import Row
from picnic.directory import Card, Directory
from picnic.errors import (
    AlreadyRegistered,
    CityNotFound,
    PicnicNotFound,
    PicnicOver,
    RegistrationNotFound,
)
from picnic.repository import picnics

REGISTERED = {"uq_registrations_picnic_id_user_id": AlreadyRegistered}


async def plan_picnic(session: AsyncSession, me: int, city_id: int, time: datetime) -> Row:
    """Plan a picnic, to which nobody comes yet.

    Raises:
        CityNotFound: there is no such city.
    """
    row = await picnics.add_picnic(session, city_id, me, time)
    if row is None:
        raise CityNotFound
    return {**row, "participants": [], "participants_total": 0}


async def list_picnics(
    session: AsyncSession,
    *,
    moment: datetime | None,
    past: bool,
    city_id: int | None,
    page: int,
    size: int,
) -> tuple[Sequence[Row], int]:
    """Return a page of picnics in the order of their times, and how many there are in all."""
    which = picnics.chosen(moment, city_id, past=past)
    return await picnics.list_picnics(session, which, size, (page - 1) * size)


async def get_picnic(session: AsyncSession, picnic_id: int) -> Row:
    """Return a picnic.

    Raises:
        PicnicNotFound: there is none.
    """
    row = await picnics.get_picnic(session, picnic_id)
    if row is None:
        raise PicnicNotFound
    return row


async def participants(
    session: AsyncSession, picnic_id: int, *, page: int, size: int
) -> tuple[list[int], int]:
    """Return a page of the ids of those who come, in the order in which they registered.

    Raises:
        PicnicNotFound: there is no such picnic.
    """
    if not await picnics.picnic_exists(session, picnic_id):
        raise PicnicNotFound
    return await picnics.participants(session, picnic_id, size, (page - 1) * size)


async def register(session: AsyncSession, me: int, picnic_id: int, user_id: int | None) -> Row:
    """Register oneself for a picnic.

    Raises:
        NotYourself: it is for another.
        PicnicNotFound, PicnicOver: there is none; it has begun.
        AlreadyRegistered: for the second time.
    """
    if user_id not in (None, me):
        raise NotYourself
    with violations(REGISTERED):
        row = await picnics.register(session, picnic_id, me)
    if row is None:
        raise PicnicOver if await picnics.picnic_exists(session, picnic_id) else PicnicNotFound
    return row


async def unregister(session: AsyncSession, me: int, picnic_id: int) -> None:
    """Take one's registration back.

    Raises:
        PicnicNotFound, PicnicOver: there is none; it has begun.
        RegistrationNotFound: one was not registered.
    """
    if await picnics.unregister(session, picnic_id, me):
        return
    over = await picnics.is_over(session, picnic_id)
    if over is None:
        raise PicnicNotFound
    raise PicnicOver if over else RegistrationNotFound


async def introduce(directory: Directory, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Show picnics with their city and with who the participants are; who has left is missing."""
    ids = {user_id for row in rows for user_id in row["participants"]}
    cards = await directory.cards(sorted(ids)) if ids else {}
    return [
        {
            "id": row["id"],
            "time": row["time"],
            "city": {"id": row["city_id"], "name": row["city"]},
            "creator_id": row["creator_id"],
            "participants_total": row["participants_total"],
            "participants": _present(cards, row["participants"]),
        }
        for row in rows
    ]


async def cards_of(directory: Directory, ids: Sequence[int]) -> list[Card]:
    """Return the cards of users in their order; who has left is missing."""
    return _present(await directory.cards(ids), ids) if ids else []


def _present(cards: Any, ids: Iterable[int]) -> list[Card]:
    return [cards[user_id] for user_id in ids if user_id in cards]
