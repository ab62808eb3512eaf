"""The users domain's addresses."""

from aiohttp import web

from kit.addresses import API
from users.views import admin, auth, profiles


def create_app() -> web.Application:
    """Build the sub-app of users."""
    app = web.Application()
    app.add_routes(
        [
            web.view("", profiles.UsersView),
            web.view("/me", profiles.MeView),
            web.view("/me/password", profiles.PasswordView),
            web.view("/cards", profiles.CardsView),
            web.view("/{id}", profiles.UserView, name="user"),
            web.view("/{id}/exists", profiles.ExistenceView),
        ]
    )
    return app


def create_auth_app() -> web.Application:
    """Build the sub-app of signing in and out."""
    app = web.Application()
    app.add_routes(
        [
            web.view("/login", auth.LoginView),
            web.view("/logout", auth.LogoutView),
            web.view("/sessions", auth.SessionsView),
            web.view("/sessions/{handle}", auth.SessionView),
        ]
    )
    return app


def create_admin_app() -> web.Application:
    """Build the sub-app of what staff do with users."""
    app = web.Application()
    app.add_routes(
        [
            web.view("", admin.UsersView),
            web.view("/{id}", admin.UserView),
            web.view("/{id}/restore", admin.RestoreView),
        ]
    )
    return app


def subapps() -> dict[str, web.Application]:
    """Return all sub-apps of the domain with the paths that they lie under."""
    return {
        f"{API}/auth": create_auth_app(),
        f"{API}/users": create_app(),
        f"{API}/admin/users": create_admin_app(),
    }
