"""Shops, books and offers for tests, every column with a default that can be overridden."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, text

from kit.db import Database
from shop.entities import Book, Offer, Shop
from tests.support.clients import API

SHOP = f"{API}/shop"

_numbers = itertools.count(1)


async def add_shop(database: Database, **values: Any) -> int:
    """Insert a shop; return its id."""
    row = {"name": "Corner Books", "address": "1 Main Street", "site": None, **values}
    async with database.writing() as session:
        return (await session.execute(insert(Shop).values(row).returning(Shop.id))).scalar_one()


async def add_book(database: Database, **values: Any) -> int:
    """Insert a book with an ISBN of its own; return its id."""
    async with database.writing() as session:
        statement = insert(Book).values(_book(**values)).returning(Book.id)
        return (await session.execute(statement)).scalar_one()


async def add_offer(database: Database, **values: Any) -> int:
    """Insert an offer, in a shop and of a book of its own unless they are given."""
    row = {"price": Decimal("12.50"), "available": 10, **values}
    title = row.pop("title", "A Book")
    row["shop_id"] = row.get("shop_id") or await add_shop(database)
    row["book_id"] = row.get("book_id") or await add_book(database, title=title)
    async with database.writing() as session:
        return (await session.execute(insert(Offer).values(row).returning(Offer.id))).scalar_one()


async def add_offers(database: Database, number: int, **values: Any) -> list[int]:
    """Insert offers of different books in one shop; return their ids, ascending."""
    shop_id = values.pop("shop_id", None) or await add_shop(database)
    books = [_book() for _ in range(number)]
    async with database.writing() as session:
        made = await session.execute(insert(Book).values(books).returning(Book.id))
        row = {"shop_id": shop_id, "price": Decimal("12.50"), "available": 10, **values}
        rows = [{**row, "book_id": book_id} for book_id in made.scalars()]
        offers = await session.execute(insert(Offer).values(rows).returning(Offer.id))
        return sorted(offers.scalars())


async def run(database: Database, statement: str, **values: Any) -> None:
    """Run a statement in a transaction of its own."""
    async with database.writing() as session:
        await session.execute(text(statement), values)


async def value(database: Database, statement: str, **values: Any) -> Any:
    """Return the one value that a query finds."""
    async with database.reading() as session:
        return (await session.execute(text(statement), values)).scalar_one()


async def rows(database: Database, statement: str, **values: Any) -> list[dict[str, Any]]:
    """Return all rows that a query finds."""
    async with database.reading() as session:
        return [dict(row) for row in (await session.execute(text(statement), values)).mappings()]


async def stock(database: Database, offer_ids: Iterable[int]) -> list[int]:
    """Return the copies that are left of each offer."""
    query = "SELECT available FROM offers WHERE id = :id"
    return [await value(database, query, id=offer_id) for offer_id in offer_ids]


async def written(database: Database) -> tuple[int, int, int]:
    """Count orders, lines of orders and outbox rows."""
    tables = ("orders", "order_items", "outbox")
    orders, items, events = [
        await value(database, f"SELECT count(*) FROM {table}") for table in tables
    ]
    return orders, items, events


def lines(*wanted: tuple[int, int]) -> dict[str, Any]:
    """Build the body of an order from pairs of offer id and quantity."""
    return {"items": [{"offer_id": offer_id, "quantity": n} for offer_id, n in wanted]}


def one_of_each(offer_ids: Sequence[int]) -> dict[str, Any]:
    """Build the body of an order of one copy of each offer."""
    return lines(*[(offer_id, 1) for offer_id in offer_ids])


def _book(**values: Any) -> dict[str, Any]:
    return {
        "title": "A Book",
        "author": "An Author",
        "isbn": f"979{next(_numbers):010}",
        "published_on": date(2001, 2, 3),
        **values,
    }
