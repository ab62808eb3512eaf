"""Views of the shop: parse, one call, return."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit import metrics
from kit.endpoint import endpoint
from kit.pages import Page, Row
from kit.schemas import page_of
from kit.web import View
from shop.errors import (
    BookNotFound,
    CartFull,
    EmptyCart,
    OfferNotFound,
    OrderNotFound,
    OutOfStock,
    ShopNotFound,
    WrongOrderStatus,
)
from shop.schemas import (
    AssortmentQuery,
    BookOut,
    BookWithOffersOut,
    CartItemIn,
    CartOut,
    OfferChange,
    OfferOut,
    OrderIn,
    OrderOut,
    OrdersQuery,
    SearchQuery,
    ShopOut,
)
from shop.service import carts, catalogue, orders

ORDERS = metrics.counter("shop_api_orders", "Orders that were placed.")


class ShopsView(View):
    """All shops."""

    @endpoint(query=SearchQuery(), returns=page_of(ShopOut()), guest=True)
    async def get(self, **query: Any) -> Page:
        """List shops by name."""
        async with self.reading() as session:
            return await catalogue.list_shops(session, **query)


class ShopView(View):
    """One shop."""

    @endpoint(returns=ShopOut(), raises=(ShopNotFound,), guest=True)
    async def get(self, *, id: int) -> Row:
        """Show a shop."""
        async with self.reading() as session:
            return await catalogue.get_shop(session, id)


class AssortmentView(View):
    """What a shop offers."""

    @endpoint(
        query=AssortmentQuery(), returns=page_of(OfferOut()), raises=(ShopNotFound,), guest=True
    )
    async def get(self, *, id: int, **query: Any) -> Page:
        """List the books that a shop offers."""
        async with self.reading() as session:
            return await catalogue.assortment(session, id, **query)


class BooksView(View):
    """All books."""

    @endpoint(query=SearchQuery(), returns=page_of(BookOut()), guest=True)
    async def get(self, **query: Any) -> Page:
        """List books by title."""
        async with self.reading() as session:
            return await catalogue.list_books(session, **query)


class BookView(View):
    """One book."""

    @endpoint(returns=BookWithOffersOut(), raises=(BookNotFound,), guest=True)
    async def get(self, *, id: int) -> Row:
        """Show a book with its offers in all shops."""
        async with self.reading() as session:
            return await catalogue.get_book(session, id)


class OfferView(View):
    """One book in one shop."""

    @endpoint(json=OfferChange(), returns=OfferOut(), raises=(OfferNotFound,), staff=True)
    async def patch(self, *, id: int, **changes: Any) -> Row:
        """Set price or stock; old orders keep their prices."""
        async with self.writing() as session:
            return await catalogue.change_offer(session, id, changes)


class CartView(View):
    """The own cart."""

    @endpoint(returns=CartOut())
    async def get(self) -> Row:
        """Show the own cart."""
        async with self.reading() as session:
            return await carts.show(session, self.me.user_id)

    @endpoint(returns=CartOut())
    async def delete(self) -> Row:
        """Empty the own cart."""
        async with self.writing() as session:
            return await carts.remove(session, self.me.user_id)


class CartItemView(View):
    """One line of the own cart."""

    @endpoint(json=CartItemIn(), returns=CartOut(), raises=(OfferNotFound, CartFull))
    async def put(self, *, offer_id: int, quantity: int) -> Row:
        """Set how many copies of an offer the cart holds."""
        async with self.writing() as session:
            return await carts.put(session, self.me.user_id, offer_id, quantity)

    @endpoint(returns=CartOut())
    async def delete(self, *, offer_id: int) -> Row:
        """Take an offer out of the cart."""
        async with self.writing() as session:
            return await carts.remove(session, self.me.user_id, offer_id)


class OrdersView(View):
    """The own orders."""

    @endpoint(query=OrdersQuery(), returns=page_of(OrderOut(), cursor=True))
    async def get(self, **query: Any) -> Page:
        """List the own orders, newest first."""
        async with self.reading() as session:
            return await orders.history(session, self.me.user_id, **query)

    @endpoint(
        json=OrderIn(),
        body_optional=True,
        returns=OrderOut(),
        status=201,
        raises=(OfferNotFound, OutOfStock, EmptyCart),
        location="order",
        idempotent=True,
        counts=ORDERS,
    )
    async def post(self, session: AsyncSession, *, items: orders.Lines | None = None) -> Row:
        """Order the lines, or the cart when there is no body: all of it or nothing."""
        return await orders.place_order(session, self.me.user_id, items)


class OrderView(View):
    """One of the own orders."""

    @endpoint(returns=OrderOut(), raises=(OrderNotFound,))
    async def get(self, *, id: int) -> Row:
        """Show one of the own orders."""
        async with self.reading() as session:
            return await orders.get_order(session, self.me.user_id, id)


class CancelView(View):
    """The end of one of the own orders."""

    @endpoint(returns=OrderOut(), raises=(OrderNotFound, WrongOrderStatus))
    async def post(self, *, id: int) -> Row:
        """Cancel an order that awaits its payment; its copies return to stock."""
        async with self.writing() as session:
            return await orders.cancel_order(session, self.me.user_id, id)


class PayView(View):
    """The payment of an order."""

    @endpoint(returns=OrderOut(), raises=(OrderNotFound, WrongOrderStatus), staff=True)
    async def post(self, *, id: int) -> Row:
        """Mark anybody's order as paid."""
        async with self.writing() as session:
            return await orders.pay_order(session, self.me.user_id, id)
