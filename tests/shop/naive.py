"""The statements that guard against races, as naive code writes them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop.entities import Book, CartItem, Offer, Order, OrderStatus
from shop.repository.orders import get_order

MEETING = 5.0  # seconds

OFFER = (Offer.id.label("offer_id"), Offer.book_id, Offer.shop_id, Offer.price, Offer.available)


async def absolute_write(session: AsyncSession, wanted: Mapping[int, int]) -> list[RowMapping]:
    """Take stock as naive code does: read, check, write what was computed."""
    served = await _read(session, wanted)
    for row in served:
        left = row["available"] - wanted[row["offer_id"]]
        statement = update(Offer).where(Offer.id == row["offer_id"]).values(available=left)
        await session.execute(statement)
    return served


async def relative_write(session: AsyncSession, wanted: Mapping[int, int]) -> list[RowMapping]:
    """Take stock as less naive code does: read, check, subtract."""
    served = await _read(session, wanted)
    for row in served:
        left = Offer.available - wanted[row["offer_id"]]
        statement = update(Offer).where(Offer.id == row["offer_id"]).values(available=left)
        await session.execute(statement)
    return served


async def unsorted_locks(session: AsyncSession, wanted: Mapping[int, int]) -> list[RowMapping]:
    """Take stock line by line, in the order in which the client named the lines."""
    await session.execute(text("SET LOCAL deadlock_timeout = '5ms'"))  # not a second for each
    served: list[RowMapping] = []
    for offer_id, quantity in wanted.items():
        statement = (
            update(Offer)
            .where(Offer.id == offer_id, Offer.available >= quantity, Book.id == Offer.book_id)
            .values(available=Offer.available - quantity)
            .returning(*OFFER, Book.title)
        )
        served += (await session.execute(statement)).mappings().all()
    return served


async def _read(session: AsyncSession, wanted: Mapping[int, int]) -> list[RowMapping]:
    statement = (
        select(*OFFER, Book.title)
        .join(Book, Book.id == Offer.book_id)
        .where(Offer.id.in_(wanted))
        .order_by(Offer.id)
    )
    found = (await session.execute(statement)).mappings().all()
    return [row for row in found if row["available"] >= wanted[row["offer_id"]]]


async def no_lock(_: AsyncSession, __: int) -> None:
    """Trust that nobody else uses this cart."""


class Meeting:
    """Naive statements of which two callers read before either of them writes."""

    def __init__(self) -> None:
        self._barrier = asyncio.Barrier(2)

    async def _meet(self) -> None:
        async with asyncio.timeout(MEETING):
            await self._barrier.wait()

    async def lock(self, session: AsyncSession, _: int) -> None:
        """Lock nothing, and be in a transaction together."""
        await session.execute(select(1))
        await self._meet()

    async def change_status(
        self, session: AsyncSession, order_id: int, status: OrderStatus, user_id: int | None
    ) -> Mapping[Any, Any] | None:
        """Look whether the order awaits its payment, then change it."""
        order = await get_order(session, order_id, user_id)
        await self._meet()
        if order is None or order["status"] != OrderStatus.AWAITING_PAYMENT:
            return None
        await session.execute(update(Order).where(Order.id == order_id).values(status=status))
        return {**order, "status": status}

    async def empty(self, session: AsyncSession, user_id: int) -> dict[int, int]:
        """Look what is in the cart, then delete it."""
        mine = CartItem.user_id == user_id
        found = await session.execute(select(CartItem.offer_id, CartItem.quantity).where(mine))
        held = {row.offer_id: row.quantity for row in found}
        await self._meet()
        await session.execute(delete(CartItem).where(mine))
        return held

    async def put(self, session: AsyncSession, user_id: int, offer_id: int, quantity: int) -> bool:
        """Look whether the cart holds the offer, then insert or update."""
        mine = (CartItem.user_id == user_id, CartItem.offer_id == offer_id)
        held = (await session.execute(select(CartItem.quantity).where(*mine))).scalar()
        await self._meet()
        if held is None:
            row = {"user_id": user_id, "offer_id": offer_id, "quantity": quantity}
            await session.execute(insert(CartItem).values(row))
        else:
            await session.execute(update(CartItem).where(*mine).values(quantity=quantity))
        return True
