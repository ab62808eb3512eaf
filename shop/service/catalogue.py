"""Look around in the shop, and set what an offer costs."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit.pages import Page, Row
from shop.errors import BookNotFound, OfferNotFound, ShopNotFound
from shop.repository import catalogue


async def list_shops(session: AsyncSession, *, q: str | None, page: int, size: int) -> Page:
    """Return a page of shops."""
    rows, total = await catalogue.list_shops(session, q, size, (page - 1) * size)
    return Page(items=rows, page=page, size=size, total=total)


async def get_shop(session: AsyncSession, shop_id: int) -> Row:
    """Return one shop.

    Raises:
        ShopNotFound: no shop has this id.
    """
    shop = await catalogue.get_shop(session, shop_id)
    if shop is None:
        raise ShopNotFound
    return shop


async def assortment(
    session: AsyncSession, shop_id: int, *, q: str | None, sort: str, page: int, size: int
) -> Page:
    """Return a page of what a shop offers.

    Raises:
        ShopNotFound: no shop has this id.
    """
    await get_shop(session, shop_id)
    offset = (page - 1) * size
    rows, total = await catalogue.assortment(session, shop_id, q, sort, size, offset)
    return Page(items=rows, page=page, size=size, total=total)


async def list_books(session: AsyncSession, *, q: str | None, page: int, size: int) -> Page:
    """Return a page of books."""
    rows, total = await catalogue.list_books(session, q, size, (page - 1) * size)
    return Page(items=rows, page=page, size=size, total=total)


async def get_book(session: AsyncSession, book_id: int) -> Row:
    """Return one book with its offers in all shops.

    Raises:
        BookNotFound: no book has this id.
    """
    book = await catalogue.get_book(session, book_id)
    if book is None:
        raise BookNotFound
    return {**book, "offers": await catalogue.offers_of_book(session, book_id)}


async def change_offer(session: AsyncSession, offer_id: int, changes: Mapping[str, Any]) -> Row:
    """Set the price or the stock of an offer; old orders keep their prices.

    Raises:
        OfferNotFound: no offer has this id.
    """
    offer = await catalogue.change_offer(session, offer_id, changes)
    if offer is None:
        raise OfferNotFound
    return offer
