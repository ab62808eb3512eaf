"""The users domain's addresses."""

from aiohttp import web

from kit.web import route
from users import views


def create_app() -> web.Application:
    """Build the sub-app of users."""
    app = web.Application()
    app.add_routes(
        [
            route("", views.UsersView),
            route("/me", views.MeView),
            route("/me/password", views.PasswordView),
            route("/{id}", views.UserView, name="user"),
        ]
    )
    return app


def create_auth_app() -> web.Application:
    """Build the sub-app of signing in and out."""
    app = web.Application()
    app.add_routes(
        [
            route("/login", views.LoginView),
            route("/logout", views.LogoutView),
            route("/sessions", views.SessionsView),
            route("/sessions/{handle}", views.SessionView),
        ]
    )
    return app
