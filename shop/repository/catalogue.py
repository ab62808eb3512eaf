"""Every SQL statement about shops, books and offers."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import contains
from shop.entities import Book, Offer, Shop

SHOP = (Shop.id, Shop.name, Shop.address, Shop.site)
BOOK = (Book.id, Book.title, Book.author, Book.isbn, Book.published_on)
ASSORTMENT = (
    Offer.id.label("offer_id"),
    Book.id.label("book_id"),
    *BOOK[1:],
    Offer.price,
    Offer.available,
)
SORTS = {
    "title": (Book.title, Offer.id),
    "price": (Offer.price, Offer.id),
    "-price": (Offer.price.desc(), Offer.id.desc()),
}

Rows = Sequence[RowMapping]


async def get_shop(session: AsyncSession, shop_id: int) -> RowMapping | None:
    """Return one shop."""
    statement = select(*SHOP).where(Shop.id == shop_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def list_shops(
    session: AsyncSession, q: str | None, limit: int, offset: int
) -> tuple[Rows, int]:
    """Return shops by name, and how many there are in all."""
    statement = select(*SHOP)
    if q:
        statement = statement.where(Shop.name.ilike(contains(q)))
    return await _page(session, statement, (Shop.name, Shop.id), limit, offset)


async def list_books(
    session: AsyncSession, q: str | None, limit: int, offset: int
) -> tuple[Rows, int]:
    """Return books by title, and how many there are in all."""
    statement = select(*BOOK)
    if q:
        statement = statement.where(_mentions(q))
    return await _page(session, statement, (Book.title, Book.id), limit, offset)


async def get_book(session: AsyncSession, book_id: int) -> RowMapping | None:
    """Return one book."""
    statement = select(*BOOK).where(Book.id == book_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def offers_of_book(session: AsyncSession, book_id: int) -> Rows:
    """Return the offers of a book in all shops, the cheapest first."""
    columns = (Offer.id.label("offer_id"), Shop.id.label("shop_id"), Shop.name.label("shop"))
    statement = (
        select(*columns, Offer.price, Offer.available)
        .join(Shop, Shop.id == Offer.shop_id)
        .where(Offer.book_id == book_id)
        .order_by(Offer.price, Offer.id)
    )
    return (await session.execute(statement)).mappings().all()


async def assortment(
    session: AsyncSession, shop_id: int, q: str | None, sort: str, limit: int, offset: int
) -> tuple[Rows, int]:
    """Return what a shop offers, and how many offers there are in all."""
    statement = (
        select(*ASSORTMENT).join(Book, Book.id == Offer.book_id).where(Offer.shop_id == shop_id)
    )
    if q:
        statement = statement.where(_mentions(q))
    return await _page(session, statement, SORTS[sort], limit, offset)


async def change_offer(
    session: AsyncSession, offer_id: int, changes: Mapping[str, Any]
) -> RowMapping | None:
    """Change price or stock of an offer; return it with its book."""
    statement = (
        update(Offer)
        .where(Offer.id == offer_id, Book.id == Offer.book_id)
        .values(changes or {"price": Offer.price})  # `{}` changes nothing and still answers
        .returning(*ASSORTMENT)
    )
    return (await session.execute(statement)).mappings().one_or_none()


def _mentions(q: str) -> ColumnElement[bool]:
    pattern = contains(q)
    return or_(Book.title.ilike(pattern), Book.author.ilike(pattern), Book.isbn == q)


async def _page(
    session: AsyncSession,
    statement: Select[*tuple[Any, ...]],
    order: Sequence[Any],
    limit: int,
    offset: int,
) -> tuple[Rows, int]:
    rows = await session.execute(statement.order_by(*order).limit(limit).offset(offset))
    counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
    total = (await session.execute(counted)).scalar_one()
    return rows.mappings().all(), total
