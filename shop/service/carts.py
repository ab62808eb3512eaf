"""What can be done with a cart; it is all of a user's lines."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from kit.pages import Row
from shop.entities import MOST_LINES
from shop.errors import CartFull, OfferNotFound
from shop.repository import carts


async def show(session: AsyncSession, user_id: int) -> Row:
    """Return a user's cart with its total."""
    items = await carts.lines(session, user_id)
    total = sum((line["price"] * line["quantity"] for line in items), Decimal("0.00"))
    return {"items": items, "total": total}


async def put(session: AsyncSession, user_id: int, offer_id: int, quantity: int) -> Row:
    """Set how many copies of an offer the cart holds; return the cart.

    Raises:
        OfferNotFound: no offer has this id.
        CartFull: it holds as many offers as one order may have.
    """
    await carts.lock(session, user_id)
    if not await carts.put(session, user_id, offer_id, quantity):
        full = len(await carts.lines(session, user_id)) >= MOST_LINES
        raise CartFull if full else OfferNotFound
    return await show(session, user_id)


async def remove(session: AsyncSession, user_id: int, offer_id: int | None = None) -> Row:
    """Remove one line, or all, from the cart; return the cart."""
    await carts.remove(session, user_id, offer_id)
    return await show(session, user_id)
