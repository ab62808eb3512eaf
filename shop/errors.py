"""What can go wrong in the shop; the docstrings are shown to clients."""

from kit.errors import Conflict, NotFound


class ShopNotFound(NotFound):
    """There is no such shop."""


class BookNotFound(NotFound):
    """There is no such book."""


class OfferNotFound(NotFound):
    """There is no such offer; `errors` names each missing one of an order."""


class OrderNotFound(NotFound):
    """There is no such order of yours."""


class OutOfStock(Conflict):
    """Some lines ask for more copies than there are; `errors` names each of them."""


class CartFull(Conflict):
    """The cart holds 100 different offers already: order or remove some first."""


class EmptyCart(Conflict):
    """The cart is empty, so there is nothing to order."""


class WrongOrderStatus(Conflict):
    """Only an order that awaits its payment can be paid or cancelled."""
