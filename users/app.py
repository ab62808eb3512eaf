"""The users domain's addresses."""

from aiohttp import web

from users import views


def create_app() -> web.Application:
    """Build the sub-app of users."""
    app = web.Application()
    app.add_routes(
        [
            web.view("", views.UsersView),
            web.view("/me", views.MeView),
            web.view("/me/password", views.PasswordView),
            web.view("/{id}", views.UserView, name="user"),
        ]
    )
    return app


def create_auth_app() -> web.Application:
    """Build the sub-app of signing in and out."""
    app = web.Application()
    app.add_routes(
        [
            web.view("/login", views.LoginView),
            web.view("/logout", views.LogoutView),
            web.view("/sessions", views.SessionsView),
            web.view("/sessions/{handle}", views.SessionView),
        ]
    )
    return app
