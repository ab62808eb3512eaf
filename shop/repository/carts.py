"""Every SQL statement about carts."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shop.entities import MOST_LINES, Book, CartItem, Offer


async def lines(session: AsyncSession, user_id: int) -> Sequence[RowMapping]:
    """Return the lines of a user's cart in the order in which they were put there."""
    statement = (
        select(CartItem.offer_id, Book.title, CartItem.quantity, Offer.price, Offer.available)
        .join(Offer, Offer.id == CartItem.offer_id)
        .join(Book, Book.id == Offer.book_id)
        .where(CartItem.user_id == user_id)
        .order_by(CartItem.added_at, CartItem.offer_id)
    )
    return (await session.execute(statement)).mappings().all()


async def lock(session: AsyncSession, user_id: int) -> None:
    """Let nobody else put something into this cart until the transaction ends."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended("cart", user_id)))
    )


async def put(session: AsyncSession, user_id: int, offer_id: int, quantity: int) -> bool:
    """Set a line of the cart; False when there is no such offer or no room for another one."""
    others = (
        select(func.count())
        .where(CartItem.user_id == user_id, CartItem.offer_id != offer_id)
        .scalar_subquery()
    )
    line = select(literal(user_id), Offer.id, literal(quantity)).where(
        Offer.id == offer_id, others < MOST_LINES
    )
    statement = (
        insert(CartItem)
        .from_select(["user_id", "offer_id", "quantity"], line)
        .on_conflict_do_update(index_elements=["user_id", "offer_id"], set_={"quantity": quantity})
        .returning(CartItem.offer_id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def remove(session: AsyncSession, user_id: int, offer_id: int | None = None) -> None:
    """Remove one line of the cart, or all of them."""
    statement = delete(CartItem).where(CartItem.user_id == user_id)
    if offer_id is not None:
        statement = statement.where(CartItem.offer_id == offer_id)
    await session.execute(statement)


async def empty(session: AsyncSession, user_id: int) -> dict[int, int]:
    """Take all lines out of a user's cart; return offer id -> quantity."""
    mine = (
        select(CartItem.user_id, CartItem.offer_id)
        .where(CartItem.user_id == user_id)
        .order_by(CartItem.offer_id)
        .with_for_update()
        .cte("mine")
    )
    statement = (
        delete(CartItem)
        .where(CartItem.user_id == mine.c.user_id, CartItem.offer_id == mine.c.offer_id)
        .returning(CartItem.offer_id, CartItem.quantity)
    )
    return {row.offer_id: row.quantity for row in await session.execute(statement)}
