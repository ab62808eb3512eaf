"""Shops, books, offers, carts and orders as they are stored."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, PrimaryKey

MOST_COPIES = 1000  # in one line
MOST_LINES = 100
MOST_IN_STOCK = 1_000_000

Price = Numeric(12, 2)


class OrderStatus(StrEnum):
    """Where an order stands; only the first one can still change."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    CANCELLED = "cancelled"


class Shop(Base):
    """A place that sells books."""

    __tablename__ = "shops"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(300))
    site: Mapped[str | None] = mapped_column(String(200))


class Book(Base):
    """A title that shops may offer."""

    __tablename__ = "books"
    __table_args__ = (
        UniqueConstraint("isbn", name="uq_books_isbn"),
        Index("ix_books_title_id", "title", "id"),
        CheckConstraint("isbn ~ '^[0-9]{13}$'", "isbn"),
    )

    id: Mapped[PrimaryKey]
    title: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(200))
    isbn: Mapped[str] = mapped_column(String(13))
    published_on: Mapped[date]


class Offer(Base):
    """One book in one shop, with its price and the copies that are left."""

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("shop_id", "book_id"),
        Index("ix_offers_book_id", "book_id"),
        Index("ix_offers_shop_id_price_id", "shop_id", "price", "id"),
        CheckConstraint("price >= 0", "price"),
        CheckConstraint("available >= 0", "available"),
    )

    id: Mapped[PrimaryKey]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))
    price: Mapped[Decimal] = mapped_column(Price)
    available: Mapped[int] = mapped_column(BigInteger)  # what is cancelled must find room


class CartItem(Base):
    """A line of a user's cart; the cart is all of a user's lines."""

    __tablename__ = "cart_items"
    __table_args__ = (
        Index("ix_cart_items_offer_id", "offer_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MOST_COPIES}", "quantity"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True)
    quantity: Mapped[int]
    added_at: Mapped[Now]


class Order(Base):
    """A user's order; its total is the sum of its lines."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_user_id_created_at_id", "user_id", "created_at", "id"),
        CheckConstraint("status IN ('awaiting_payment', 'paid', 'cancelled')", "status"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(
        String(20), server_default=text(f"'{OrderStatus.AWAITING_PAYMENT}'")
    )
    created_at: Mapped[Now]


class OrderItem(Base):
    """A line of an order, with title and price as they were when it was bought."""

    __tablename__ = "order_items"
    __table_args__ = (
        Index("ix_order_items_offer_id", "offer_id"),
        CheckConstraint("quantity >= 1", "quantity"),
        CheckConstraint("price >= 0", "price"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Price)
