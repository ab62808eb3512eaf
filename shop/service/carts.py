"""What can be done with a cart; it is all of a user's lines."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.pages import Row
from shop.errors import OfferNotFound
from shop.repository import carts


async def show(session: AsyncSession, user_id: int) -> Row:
    """Return a user's cart with its total."""
    items = await carts.lines(session, user_id)
    return {"items": items, "total": sum(line["price"] * line["quantity"] for line in items)}


async def put(session: AsyncSession, user_id: int, offer_id: int, quantity: int) -> Row:
    """Set how many copies of an offer the cart holds; return the cart.

    Raises:
        OfferNotFound: no offer has this id.
    """
    if not await carts.put(session, user_id, offer_id, quantity):
        raise OfferNotFound
    return await show(session, user_id)


async def remove(session: AsyncSession, user_id: int, offer_id: int | None = None) -> Row:
    """Remove one line, or all, from the cart; return the cart."""
    await carts.remove(session, user_id, offer_id)
    return await show(session, user_id)
