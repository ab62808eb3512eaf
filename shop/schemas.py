"""What enters and leaves the shop domain."""

from marshmallow import fields, validate

from kit.queries import CursorQuery, PageQuery
from kit.schemas import Day, Id, Instant, Items, Money, Number, Schema, Text, about
from shop.entities import MOST_COPIES, MOST_IN_STOCK, MOST_LINES, OrderStatus


class SearchQuery(PageQuery):
    """Search a list."""

    q = Text(
        most=100,
        load_default=None,
        **about(
            "Part of the name or title, of books also of the author, in any case; or an ISBN.",
            "late",
        ),
    )


class AssortmentQuery(SearchQuery):
    """Search and sort what a shop offers."""

    sort = fields.String(
        load_default="title",
        validate=validate.OneOf(["title", "price", "-price"]),
        **about("The order: by title, by price, or by price from the dearest.", "price"),
    )


class OrdersQuery(CursorQuery):
    """Choose from the own orders."""

    status = fields.String(
        load_default=None,
        validate=validate.OneOf([*OrderStatus]),
        **about("Only orders that stand so.", "paid"),
    )


class ShopOut(Schema):
    """Show a shop."""

    id = fields.Integer(required=True, **about("Which shop.", 1))
    name = fields.String(required=True, **about("What it is called.", "Aguirre LLC"))
    address = fields.String(required=True, **about("Where it is.", "12 Long Street, Springfield"))
    site = fields.String(
        required=True,
        allow_none=True,
        **about("Its site, null when it has none.", "https://shop1.example.com"),
    )


class BookOut(Schema):
    """Show a book."""

    id = fields.Integer(required=True, **about("Which book.", 69))
    title = fields.String(required=True, **about("Its title.", "Source ten"))
    author = fields.String(required=True, **about("Who wrote it.", "Dominic Lyons"))
    isbn = fields.String(required=True, **about("Its ISBN-13.", "9787320216601"))
    published_on = Day(required=True, **about("When it was published.", "1979-08-19"))


class BookOfferOut(Schema):
    """Show where a book is to be had."""

    offer_id = fields.Integer(required=True, **about("Which offer: this book in this shop.", 48))
    shop_id = fields.Integer(required=True, **about("Which shop.", 1))
    shop = fields.String(required=True, **about("What the shop is called.", "Aguirre LLC"))
    price = Money(required=True, **about("What a copy costs.", "3.14"))
    available = fields.Integer(required=True, **about("Copies in stock.", 151))


class BookWithOffersOut(BookOut):
    """Show a book with its offers in all shops."""

    offers = fields.List(
        fields.Nested(BookOfferOut),
        required=True,
        **about("Where it is to be had, the cheapest first."),
    )


class OfferOut(Schema):
    """Show a book as one shop offers it."""

    offer_id = fields.Integer(required=True, **about("Which offer: this book in this shop.", 48))
    book_id = fields.Integer(required=True, **about("Which book.", 69))
    title = fields.String(required=True, **about("Its title.", "Source ten"))
    author = fields.String(required=True, **about("Who wrote it.", "Dominic Lyons"))
    isbn = fields.String(required=True, **about("Its ISBN-13.", "9787320216601"))
    published_on = Day(required=True, **about("When it was published.", "1979-08-19"))
    price = Money(required=True, **about("What a copy costs.", "3.14"))
    available = fields.Integer(required=True, **about("Copies in stock.", 151))


class OfferChange(Schema):
    """Change price or stock of an offer."""

    price = Money(**about("What a copy costs from now on; old orders keep their prices.", "3.50"))
    available = Number(0, MOST_IN_STOCK, **about("Copies in stock, 0 to 1 000 000.", 200))


class CartItemIn(Schema):
    """Set how many copies the cart holds."""

    quantity = Number(
        1,
        MOST_COPIES,
        required=True,
        **about("How many copies the cart shall hold, 1 to 1000.", 2),
    )


class CartItemOut(Schema):
    """Show a line of the cart."""

    offer_id = fields.Integer(required=True, **about("Which offer.", 1))
    title = fields.String(required=True, **about("The title of the book.", "Source ten"))
    quantity = fields.Integer(required=True, **about("Copies in the cart.", 2))
    price = Money(required=True, **about("What a copy costs now.", "3.14"))
    available = fields.Integer(required=True, **about("Copies in stock.", 151))


class CartOut(Schema):
    """Show the cart."""

    items = fields.List(
        fields.Nested(CartItemOut), required=True, **about("The lines of the cart.")
    )
    total = Money(digits=18, required=True, **about("What all of it costs now.", "6.28"))


class OrderLineIn(Schema):
    """Ask for some copies of an offer."""

    offer_id = Id(required=True, **about("Which offer; the same one twice adds up.", 1))
    quantity = Number(1, MOST_COPIES, required=True, **about("How many copies, 1 to 1000.", 2))


class OrderIn(Schema):
    """Order these lines."""

    items = Items(
        fields.Nested(OrderLineIn),
        least=1,
        most=MOST_LINES,
        required=True,
        **about("1 to 100 lines."),
    )


class OrderLineOut(Schema):
    """Show a line of an order as it was bought."""

    offer_id = fields.Integer(required=True, **about("Which offer.", 1))
    book_id = fields.Integer(required=True, **about("Which book.", 69))
    shop_id = fields.Integer(required=True, **about("Which shop.", 1))
    title = fields.String(required=True, **about("The title as it was bought.", "Source ten"))
    quantity = fields.Integer(required=True, **about("Copies.", 2))
    price = Money(required=True, **about("What a copy cost when it was bought.", "3.14"))


class OrderOut(Schema):
    """Show an order."""

    id = fields.Integer(required=True, **about("Which order.", 101))
    status = fields.String(
        required=True, **about("`awaiting_payment`, `paid` or `cancelled`.", "awaiting_payment")
    )
    created_at = Instant(required=True, **about("When it was placed.", "2027-03-01T09:30:00Z"))
    total = Money(digits=18, required=True, **about("What all lines cost.", "6.28"))
    items = fields.List(fields.Nested(OrderLineOut), required=True, **about("The lines."))
