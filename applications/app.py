"""The addresses of applications."""

from aiohttp import web

from applications import views


def create_app() -> web.Application:
    """Build the sub-app of applications."""
    app = web.Application()
    app.add_routes(
        [
            web.view("", views.ApplicationsView),
            web.view("/{id}", views.ApplicationView, name="application"),
        ]
    )
    return app
