"""Shops, books, offers, and orders with lines that are copied from the offers."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from seed.factories import REFERENCE, Row
from seed.source import Batch, Domain, Source, moments

LINES = [40, 30, 20, 10]  # percent of the orders with 1, 2, 3, 4 lines
ORDERS_OF_DEMO = 20


@dataclass(slots=True)
class Catalogue:
    """Remember what the orders copy, in arrays: 100 000 offers take a few megabytes."""

    titles: list[str] = field(default_factory=list)  # of book 1, 2, ...
    books: "array[int]" = field(default_factory=lambda: array("q"))  # of offer 1, 2, ...
    cents: "array[int]" = field(default_factory=lambda: array("q"))


def _batches(source: Source) -> Iterator[Batch]:
    plan, catalogue = source.plan, Catalogue()
    yield Batch("shops", ["id", "name", "address", "site"], _shops(source), plan.shops)
    columns = ["id", "title", "author", "isbn", "published_on"]
    yield Batch("books", columns, _books(source, catalogue), plan.books)
    columns = ["id", "shop_id", "book_id", "price", "available"]
    yield Batch("offers", columns, _offers(source, catalogue), plan.offers)
    columns = ["id", "user_id", "status", "created_at"]
    yield Batch("orders", columns, _orders(source), plan.orders)
    columns = ["order_id", "offer_id", "title", "quantity", "price"]
    yield Batch("order_items", columns, _order_items(source, catalogue), None)


def _shops(source: Source) -> Iterator[Row]:
    for number in range(1, source.plan.shops + 1):
        yield source.factory.shop(id=number)


def _books(source: Source, catalogue: Catalogue) -> Iterator[Row]:
    for number in range(1, source.plan.books + 1):
        book = source.factory.book(id=number)
        catalogue.titles.append(book["title"])
        yield book


def _offers(source: Source, catalogue: Catalogue) -> Iterator[Row]:
    plan = source.plan
    # A cell of the table shops x books is drawn once, so no shop offers a book twice.
    cells = source.factory.random("cell").sample(range(plan.shops * plan.books), plan.offers)
    for number, cell in enumerate(sorted(cells), start=1):
        shop, book = divmod(cell, plan.books)
        offer = source.factory.offer(shop + 1, book + 1, id=number)
        catalogue.books.append(book)
        catalogue.cents.append(int(offer["price"].scaleb(2)))
        yield offer


def _orders(source: Source) -> Iterator[Row]:
    count, people = source.plan.orders, source.user_ids
    random = source.factory.random("buyer")
    bought = moments(random, REFERENCE - timedelta(days=365), REFERENCE, count)
    turn = -(-count // ORDERS_OF_DEMO)  # every so many orders it is demo's, who comes first
    for number, moment in enumerate(bought):
        buyer = people[0] if number % turn == 0 else random.choice(people)
        yield source.factory.order(buyer, id=number + 1, created_at=moment)


def _order_items(source: Source, catalogue: Catalogue) -> Iterator[Row]:
    random, offers = source.factory.random("basket"), range(len(catalogue.books))
    sizes = range(1, len(LINES) + 1)
    for order in range(1, source.plan.orders + 1):
        size = min(random.choices(sizes, LINES)[0], len(offers))
        for offer in sorted(random.sample(offers, size)):
            title = catalogue.titles[catalogue.books[offer]]
            price = Decimal(catalogue.cents[offer]).scaleb(-2)
            yield source.factory.order_item(order, offer + 1, title, price)


DOMAIN = Domain(["shops", "books", "offers", "cart_items", "orders", "order_items"], _batches)
