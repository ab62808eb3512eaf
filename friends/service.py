"""What friends can do: find each other, look who is whose, change a tag, part."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from friends import repository
from friends.directory import Card, Directory
from friends.errors import (
    AlreadyFriends,
    FriendshipNotFound,
    NotYourFriendship,
    SelfFriendship,
    UserNotFound,
    UsersUnavailable,
)
from kit.db import violations
from kit.errors import NotYourself
from kit.log import logger
from kit.pages import Row

PAIRS = {"uq_friendships_pair": AlreadyFriends}


async def check_target(
    directory: Directory, me: int, initiator_id: int | None, target_id: int
) -> None:
    """Look whether somebody can be befriended; no transaction is open meanwhile.

    Raises:
        NotYourself: one asks in another's name.
        SelfFriendship: one asks oneself.
        UserNotFound: there is nobody to ask.
        UsersUnavailable: nobody can tell.
    """
    if initiator_id not in (None, me):
        raise NotYourself
    if target_id == me:
        raise SelfFriendship
    if not await directory.exists(target_id):
        raise UserNotFound


async def befriend(session: AsyncSession, me: int, target_id: int, tag: str) -> Row:
    """Make two people friends.

    Raises:
        AlreadyFriends: they are, in either direction.
    """
    with violations(PAIRS):
        return await repository.add_friendship(session, me, target_id, tag)


async def list_friendships(
    session: AsyncSession, user_id: int, *, page: int, size: int
) -> tuple[Sequence[Row], int]:
    """Return a page of a user's friendships, newest first, and how many there are in all."""
    return await repository.list_friendships(session, user_id, size, (page - 1) * size)


async def introduce(
    directory: Directory, rows: Sequence[Row], user_id: int, *, known: bool
) -> list[dict[str, Any]]:
    """Add to each friendship of a user who the friend is.

    known: the user exists, for he is the one who asks. A friend is None when he has left, and
    while nobody can tell who he is: what is stored here can be read all the same.

    Raises:
        UserNotFound: there is no such user.
    """
    friends = [_other(row, user_id) for row in rows]
    try:
        cards = await _cards(directory, friends if known else [user_id, *friends])
    except UsersUnavailable:
        logger.warning("friends without names", friendships=len(rows))
        cards = {user_id: {}}
    if not known and user_id not in cards:
        raise UserNotFound
    return [
        {**row, "friend": cards.get(friend)} for row, friend in zip(rows, friends, strict=True)
    ]


async def get_friendship(session: AsyncSession, friendship_id: int) -> Row:
    """Return a friendship.

    Raises:
        FriendshipNotFound: there is none.
    """
    row = await repository.get_friendship(session, friendship_id)
    if row is None:
        raise FriendshipNotFound
    return row


async def change_friendship(
    session: AsyncSession, me: int, friendship_id: int, changes: Mapping[str, Any]
) -> Row:
    """Change the tag of one's own friendship.

    Raises:
        FriendshipNotFound, NotYourFriendship: there is none; it is that of others.
    """
    row = await _own(session, me, friendship_id)
    if not changes:
        return row
    changed = await repository.change_tag(session, friendship_id, changes["tag"])
    if changed is None:
        raise FriendshipNotFound
    return changed


async def part(session: AsyncSession, me: int, friendship_id: int) -> None:
    """End one's own friendship.

    Raises:
        FriendshipNotFound, NotYourFriendship: there is none; it is that of others.
    """
    await _own(session, me, friendship_id)
    if not await repository.delete_friendship(session, friendship_id):
        raise FriendshipNotFound


async def mutual_friends(
    session: AsyncSession, me: int, other_id: int, *, page: int, size: int
) -> tuple[list[int], int]:
    """Return a page of the ids of those who are friends of both, and how many there are."""
    return await repository.mutual_friends(session, me, other_id, size, (page - 1) * size)


async def cards_with(directory: Directory, ids: Sequence[int], other_id: int) -> list[Card]:
    """Return the cards of users in their order, once it is known that another one exists.

    Raises:
        UserNotFound: the other one does not.
        UsersUnavailable: nobody can tell.
    """
    cards = await _cards(directory, [other_id, *ids])
    if other_id not in cards:
        raise UserNotFound
    return [cards[user_id] for user_id in ids if user_id in cards]


async def _cards(directory: Directory, ids: Sequence[int]) -> Mapping[int, Card]:
    return await directory.cards(ids) if ids else {}


async def _own(session: AsyncSession, me: int, friendship_id: int) -> Row:
    row = await get_friendship(session, friendship_id)
    if me not in (row["initiator_id"], row["target_id"]):
        raise NotYourFriendship
    return row


def _other(row: Row, user_id: int) -> int:
    """Return the friend of a user in a friendship."""
    friend: int = row["target_id"] if row["initiator_id"] == user_id else row["initiator_id"]
    return friend
