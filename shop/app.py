"""The shop's addresses."""

from aiohttp import web

from kit.web import route
from shop import views


def create_app() -> web.Application:
    """Build the sub-app of the shop."""
    app = web.Application()
    app.add_routes(
        [
            route("/shops", views.ShopsView),
            route("/shops/{id}", views.ShopView),
            route("/shops/{id}/books", views.AssortmentView),
            route("/books", views.BooksView),
            route("/books/{id}", views.BookView),
            route("/offers/{id}", views.OfferView),
            route("/cart", views.CartView),
            route("/cart/items/{offer_id}", views.CartItemView),
            route("/orders", views.OrdersView),
            route("/orders/{id}", views.OrderView, name="order"),
            route("/orders/{id}/cancel", views.CancelView),
            route("/orders/{id}/pay", views.PayView),
        ]
    )
    return app
