"""Every SQL statement about orders and the stock that they take."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    RowMapping,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.ext.asyncio import AsyncSession

from kit.pages import Place, newest_first
from shop.entities import Book, Offer, Order, OrderItem, OrderStatus

ORDER = (Order.id, Order.status, Order.created_at)

Rows = Sequence[RowMapping]


async def take_stock(session: AsyncSession, wanted: Mapping[int, int]) -> Rows:
    """Take copies out of stock, only where there are enough; return the offers that could serve.

    wanted: offer id -> quantity. Rows are locked in the order of their ids, so two orders never
    wait for each other in a circle.
    """
    lines = _wanted(wanted)
    locked = _locked(Offer.id == lines.c.offer_id)
    statement = (
        update(Offer)
        .where(
            Offer.id == locked.c.id,
            Offer.id == lines.c.offer_id,
            locked.c.available >= lines.c.quantity,
            Book.id == Offer.book_id,
        )
        .values(available=locked.c.available - lines.c.quantity)
        .returning(
            Offer.id.label("offer_id"), Offer.book_id, Offer.shop_id, Book.title, Offer.price
        )
    )
    return (await session.execute(statement)).mappings().all()


async def availability(session: AsyncSession, offer_ids: Sequence[int]) -> dict[int, int]:
    """Return what is in stock: offer id -> copies; an unknown offer is missing."""
    statement = select(Offer.id, Offer.available).where(Offer.id.in_(offer_ids))
    return {row.id: row.available for row in await session.execute(statement)}


async def return_stock(session: AsyncSession, order_id: int) -> None:
    """Put the copies of an order back into stock."""
    locked = _locked(Offer.id == OrderItem.offer_id, OrderItem.order_id == order_id)
    statement = (
        update(Offer)
        .where(
            Offer.id == locked.c.id,
            OrderItem.offer_id == Offer.id,
            OrderItem.order_id == order_id,
        )
        .values(available=locked.c.available + OrderItem.quantity)
    )
    await session.execute(statement)


async def add_order(session: AsyncSession, user_id: int) -> RowMapping:
    """Insert an order without lines."""
    statement = insert(Order).values(user_id=user_id).returning(*ORDER)
    return (await session.execute(statement)).mappings().one()


async def add_items(
    session: AsyncSession, order_id: int, lines: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the lines of an order: offer_id, title, quantity and price of each."""
    stored = ("offer_id", "title", "quantity", "price")
    rows = [{"order_id": order_id, **{name: line[name] for name in stored}} for line in lines]
    await session.execute(insert(OrderItem).values(rows))


async def change_status(
    session: AsyncSession, order_id: int, status: OrderStatus, user_id: int | None
) -> RowMapping | None:
    """Move an order that awaits its payment on; None when it does not, or is not the user's."""
    statement = (
        update(Order)
        .where(*_mine(order_id, user_id), Order.status == OrderStatus.AWAITING_PAYMENT)
        .values(status=status)
        .returning(*ORDER)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def get_order(
    session: AsyncSession, order_id: int, user_id: int | None
) -> RowMapping | None:
    """Return an order, of this user only unless the user is None."""
    statement = select(*ORDER).where(*_mine(order_id, user_id))
    return (await session.execute(statement)).mappings().one_or_none()


async def list_orders(
    session: AsyncSession, user_id: int, status: str | None, limit: int, start: Place | int
) -> Rows:
    """Return a user's orders, newest first, from an offset on or behind a place."""
    statement = select(*ORDER).where(*_of(user_id, status))
    statement = newest_first(statement, Order.created_at, Order.id, start).limit(limit)
    return (await session.execute(statement)).mappings().all()


async def count_orders(session: AsyncSession, user_id: int, status: str | None) -> int:
    """Count a user's orders."""
    statement = select(func.count()).select_from(Order).where(*_of(user_id, status))
    return (await session.execute(statement)).scalar_one()


async def items_of(session: AsyncSession, order_ids: Sequence[int]) -> Rows:
    """Return the lines of some orders, by order and offer."""
    statement = (
        select(
            OrderItem.order_id,
            OrderItem.offer_id,
            Offer.book_id,
            Offer.shop_id,
            OrderItem.title,
            OrderItem.quantity,
            OrderItem.price,
        )
        .join(Offer, Offer.id == OrderItem.offer_id)
        .where(OrderItem.order_id.in_(order_ids))
        .order_by(OrderItem.order_id, OrderItem.offer_id)
    )
    return (await session.execute(statement)).mappings().all()


def _wanted(wanted: Mapping[int, int]) -> Any:
    ids = bindparam("offer_ids", list(wanted), type_=ARRAY(BIGINT))
    quantities = bindparam("quantities", list(wanted.values()), type_=ARRAY(Integer))
    rows = func.unnest(ids, quantities).table_valued("offer_id", "quantity", name="wanted")
    return rows.render_derived()


def _locked(*which: ColumnElement[bool]) -> CTE:
    """Lock offers in the order of their ids.

    Only what this returns is of now: an UPDATE sees the rows as they were when it began to wait.
    """
    rows = select(Offer.id, Offer.available).where(*which).order_by(Offer.id)
    return rows.with_for_update(of=Offer, key_share=True).cte("locked")


def _mine(order_id: int, user_id: int | None) -> list[ColumnElement[bool]]:
    return [Order.id == order_id, *([] if user_id is None else [Order.user_id == user_id])]


def _of(user_id: int, status: str | None) -> list[ColumnElement[bool]]:
    return [Order.user_id == user_id, *([] if status is None else [Order.status == status])]
