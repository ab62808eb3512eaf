"""Every SQL statement about friendships."""

from collections.abc import Sequence

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from friends.entities import Friendship

COLUMNS = (
    *(Friendship.id, Friendship.initiator_id, Friendship.target_id),
    *(Friendship.tag, Friendship.created_at),
)


async def add_friendship(
    session: AsyncSession, initiator_id: int, target_id: int, tag: str
) -> RowMapping:
    """Insert a friendship."""
    values = {"initiator_id": initiator_id, "target_id": target_id, "tag": tag}
    statement = insert(Friendship).values(values).returning(*COLUMNS)
    return (await session.execute(statement)).mappings().one()


async def get_friendship(session: AsyncSession, friendship_id: int) -> RowMapping | None:
    """Return a friendship."""
    statement = select(*COLUMNS).where(Friendship.id == friendship_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def list_friendships(
    session: AsyncSession, user_id: int, limit: int, offset: int
) -> tuple[Sequence[RowMapping], int]:
    """Return a user's friendships, newest first, whoever asked, and how many there are in all."""
    mine = _of(user_id)
    statement = select(*COLUMNS).where(mine).order_by(Friendship.id.desc())
    rows = (await session.execute(statement.limit(limit).offset(offset))).mappings().all()
    count = select(func.count()).select_from(Friendship).where(mine)
    return rows, (await session.execute(count)).scalar_one()


async def change_tag(session: AsyncSession, friendship_id: int, tag: str) -> RowMapping | None:
    """Change the tag of a friendship."""
    statement = update(Friendship).where(Friendship.id == friendship_id)
    changed = await session.execute(statement.values(tag=tag).returning(*COLUMNS))
    return changed.mappings().one_or_none()


async def delete_friendship(session: AsyncSession, friendship_id: int) -> bool:
    """Delete a friendship; tell whether there was one."""
    statement = delete(Friendship).where(Friendship.id == friendship_id)
    gone = await session.execute(statement.returning(Friendship.id))
    return gone.scalar_one_or_none() is not None


async def mutual_friends(
    session: AsyncSession, user_id: int, other_id: int, limit: int, offset: int
) -> tuple[list[int], int]:
    """Return the ids of those who are friends of both, by id, and how many there are in all."""
    mine, theirs = _friends_of(user_id).cte("mine"), _friends_of(other_id).cte("theirs")
    both = select(mine.c.friend_id).join(theirs, theirs.c.friend_id == mine.c.friend_id)
    mutual: CTE = both.cte("mutual").prefix_with("MATERIALIZED")
    page = select(mutual.c.friend_id).order_by(mutual.c.friend_id).limit(limit).offset(offset)
    total = select(func.count()).select_from(mutual).scalar_subquery()
    statement = select(func.array(page.scalar_subquery(), type_=ARRAY(BigInteger)), total)
    ids, number = (await session.execute(statement)).one()
    return ids, number


def _of(user_id: int) -> ColumnElement[bool]:
    return or_(Friendship.initiator_id == user_id, Friendship.target_id == user_id)


def _friends_of(user_id: int) -> Select[tuple[int]]:
    friend = case(
        (Friendship.initiator_id == user_id, Friendship.target_id),
        else_=Friendship.initiator_id,
    )
    return select(friend.label("friend_id")).where(_of(user_id))
