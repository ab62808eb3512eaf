"""What enters and leaves the shop domain."""

from marshmallow import fields, validate

from kit.queries import CursorQuery, PageQuery
from kit.schemas import Day, Id, Instant, Items, Money, Number, Schema, Text
from shop.entities import MOST_COPIES, MOST_IN_STOCK, MOST_LINES, OrderStatus


class SearchQuery(PageQuery):
    """Search a list."""

    q = Text(most=100, load_default=None)


class AssortmentQuery(SearchQuery):
    """Search and sort what a shop offers."""

    sort = fields.String(
        load_default="title", validate=validate.OneOf(["title", "price", "-price"])
    )


class OrdersQuery(CursorQuery):
    """Choose from the own orders."""

    status = fields.String(load_default=None, validate=validate.OneOf([*OrderStatus]))


class ShopOut(Schema):
    """Show a shop."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)
    site = fields.String(required=True, allow_none=True)


class BookOut(Schema):
    """Show a book."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    author = fields.String(required=True)
    isbn = fields.String(required=True)
    published_on = Day(required=True)


class BookOfferOut(Schema):
    """Show where a book is to be had."""

    offer_id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    shop = fields.String(required=True)
    price = Money(required=True)
    available = fields.Integer(required=True)


class BookWithOffersOut(BookOut):
    """Show a book with its offers in all shops."""

    offers = fields.List(fields.Nested(BookOfferOut), required=True)


class OfferOut(Schema):
    """Show a book as one shop offers it."""

    offer_id = fields.Integer(required=True)
    book_id = fields.Integer(required=True)
    title = fields.String(required=True)
    author = fields.String(required=True)
    isbn = fields.String(required=True)
    published_on = Day(required=True)
    price = Money(required=True)
    available = fields.Integer(required=True)


class OfferChange(Schema):
    """Change price or stock of an offer."""

    price = Money()
    available = Number(0, MOST_IN_STOCK)


class CartItemIn(Schema):
    """Set how many copies the cart holds."""

    quantity = Number(1, MOST_COPIES, required=True)


class CartItemOut(Schema):
    """Show a line of the cart."""

    offer_id = fields.Integer(required=True)
    title = fields.String(required=True)
    quantity = fields.Integer(required=True)
    price = Money(required=True)
    available = fields.Integer(required=True)


class CartOut(Schema):
    """Show the cart."""

    items = fields.List(fields.Nested(CartItemOut), required=True)
    total = Money(required=True)


class OrderLineIn(Schema):
    """Ask for some copies of an offer."""

    offer_id = Id(required=True)
    quantity = Number(1, MOST_COPIES, required=True)


class OrderIn(Schema):
    """Order these lines."""

    items = Items(fields.Nested(OrderLineIn), least=1, most=MOST_LINES, required=True)


class OrderLineOut(Schema):
    """Show a line of an order as it was bought."""

    offer_id = fields.Integer(required=True)
    book_id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    title = fields.String(required=True)
    quantity = fields.Integer(required=True)
    price = Money(required=True)


class OrderOut(Schema):
    """Show an order."""

    id = fields.Integer(required=True)
    status = fields.String(required=True)
    created_at = Instant(required=True)
    total = Money(required=True)
    items = fields.List(fields.Nested(OrderLineOut), required=True)
