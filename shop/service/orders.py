"""What can be done with orders: place, look up, pay, cancel."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit import outbox
from kit.pages import Page, Place, Row
from shop import events
from shop.entities import OrderStatus
from shop.errors import EmptyCart, OfferNotFound, OrderNotFound, OutOfStock, WrongOrderStatus
from shop.repository import carts, orders

Lines = Sequence[Mapping[str, int]]


async def place_order(session: AsyncSession, user_id: int, items: Lines | None) -> Row:
    """Order the lines, or what the cart holds when there are none: all of it or nothing.

    items: each with `offer_id` and `quantity`; the same offer twice adds up.

    Raises:
        EmptyCart: no lines were given and the cart has none.
        OfferNotFound, OutOfStock: `errors` names the lines.
    """
    wanted = await _wanted(session, user_id, items)
    offers = await orders.take_stock(session, wanted)
    served = {offer["offer_id"] for offer in offers}
    unserved = {offer_id: n for offer_id, n in wanted.items() if offer_id not in served}
    if unserved:
        await _refuse(session, unserved, items or [])
    order = await orders.add_order(session, user_id)
    lines = [{**offer, "quantity": wanted[offer["offer_id"]]} for offer in offers]
    lines.sort(key=lambda line: line["offer_id"])
    await orders.add_items(session, order["id"], lines)
    return await _publish(session, events.ORDER_PLACED, user_id, _whole(order, lines))


async def _wanted(session: AsyncSession, user_id: int, items: Lines | None) -> dict[int, int]:
    if items is None:
        wanted = await carts.empty(session, user_id)
        if not wanted:
            raise EmptyCart
        return wanted
    total: Counter[int] = Counter()
    for line in items:
        total[line["offer_id"]] += line["quantity"]
    return dict(total)


async def _refuse(session: AsyncSession, wanted: Mapping[int, int], items: Lines) -> None:
    """Say which lines stand in the way; an offer may be short in the sum of its lines."""
    stock = await orders.availability(session, list(wanted))
    place = {line["offer_id"]: f"/items/{index}" for index, line in reversed([*enumerate(items)])}

    def complaint(offer_id: int, message: str, **facts: int) -> dict[str, Any]:
        return {
            "pointer": place.get(offer_id, ""),
            "message": message,
            "offer_id": offer_id,
            **facts,
        }

    missing = [offer_id for offer_id in wanted if offer_id not in stock]
    if missing:
        raise OfferNotFound(errors=[complaint(offer_id, "No such offer.") for offer_id in missing])
    raise OutOfStock(
        errors=[
            complaint(
                offer_id,
                f"{quantity} asked for, {stock[offer_id]} available.",
                requested=quantity,
                available=stock[offer_id],
            )
            for offer_id, quantity in wanted.items()
        ]
    )


async def history(
    session: AsyncSession,
    user_id: int,
    *,
    status: str | None,
    page: int,
    size: int,
    cursor: str | None = None,
) -> Page:
    """Return a page of a user's orders, newest first, by number or behind a cursor."""
    start = Place.of(cursor) if cursor else (page - 1) * size
    found = await orders.list_orders(session, user_id, status, size + 1, start)
    total = None if cursor else await orders.count_orders(session, user_id, status)
    cut = Page.newest_first(found, size, page=None if cursor else page, total=total)
    return replace(cut, items=await _with_items(session, cut.items))


async def get_order(session: AsyncSession, user_id: int, order_id: int) -> Row:
    """Return one of a user's orders.

    Raises:
        OrderNotFound: no such order, or somebody else's.
    """
    order = await orders.get_order(session, order_id, user_id)
    if order is None:
        raise OrderNotFound
    return (await _with_items(session, [order]))[0]


async def cancel_order(session: AsyncSession, user_id: int, order_id: int) -> Row:
    """Cancel one of a user's orders that awaits its payment; its copies return to stock.

    Raises:
        OrderNotFound: no such order, or somebody else's.
        WrongOrderStatus: it was paid or cancelled before.
    """
    order = await _move(session, order_id, OrderStatus.CANCELLED, user_id)
    await orders.return_stock(session, order_id)
    return await _publish(session, events.ORDER_CANCELLED, user_id, order)


async def pay_order(session: AsyncSession, staff_id: int, order_id: int) -> Row:
    """Mark anybody's order as paid.

    Raises:
        OrderNotFound: no such order.
        WrongOrderStatus: it was paid or cancelled before.
    """
    order = await _move(session, order_id, OrderStatus.PAID, None)
    return await _publish(session, events.ORDER_PAID, staff_id, order)


async def _move(
    session: AsyncSession, order_id: int, status: OrderStatus, user_id: int | None
) -> Row:
    order = await orders.change_status(session, order_id, status, user_id)
    if order is None:
        known = await orders.get_order(session, order_id, user_id)
        raise OrderNotFound if known is None else WrongOrderStatus
    return (await _with_items(session, [order]))[0]


async def _with_items(session: AsyncSession, rows: Sequence[Row]) -> list[Row]:
    if not rows:
        return []
    lines: dict[int, list[Row]] = defaultdict(list)
    for item in await orders.items_of(session, [order["id"] for order in rows]):
        line = dict(item)
        lines[line.pop("order_id")].append(line)
    return [_whole(order, lines[order["id"]]) for order in rows]


def _whole(order: Row, lines: Sequence[Row]) -> Row:
    total = sum((line["price"] * line["quantity"] for line in lines), Decimal("0.00"))
    return {**order, "total": total, "items": lines}


async def _publish(session: AsyncSession, event: str, by_user: int, order: Row) -> Row:
    await outbox.record(session, events.TOPIC, order["id"], event, {**order, "by_user": by_user})
    return order
