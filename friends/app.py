"""The addresses of friendships."""

from aiohttp import web

from friends import views
from kit.addresses import API


def create_app() -> web.Application:
    """Build the sub-app of friendships; the root application must hold a DIRECTORY."""
    app = web.Application()
    app.add_routes(
        [
            web.view("", views.FriendshipsView),
            web.view("/mutual", views.MutualView),
            web.view("/{id}", views.FriendshipView, name="friendship"),
        ]
    )
    return app


def subapps() -> dict[str, web.Application]:
    """Return the sub-app with the path that it lies under."""
    return {f"{API}/friends": create_app()}
