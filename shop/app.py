"""The shop's addresses."""

from aiohttp import web

from shop import views


def create_app() -> web.Application:
    """Build the sub-app of the shop."""
    app = web.Application()
    app.add_routes(
        [
            web.view("/shops", views.ShopsView),
            web.view("/shops/{id}", views.ShopView),
            web.view("/shops/{id}/books", views.AssortmentView),
            web.view("/books", views.BooksView),
            web.view("/books/{id}", views.BookView),
            web.view("/offers/{id}", views.OfferView),
            web.view("/cart", views.CartView),
            web.view("/cart/items/{offer_id}", views.CartItemView),
            web.view("/orders", views.OrdersView),
            web.view("/orders/{id}", views.OrderView, name="order"),
            web.view("/orders/{id}/cancel", views.CancelView),
            web.view("/orders/{id}/pay", views.PayView),
        ]
    )
    return app
