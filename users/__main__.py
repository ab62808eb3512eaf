"""The users service by itself."""

from aiohttp import web

from kit import alone
from kit.db import Database
from kit.serve import command
from kit.settings import VERSION, Settings
from kit.site import About
from kit.web import build
from users.app import subapps

ABOUT = About("users", VERSION, "People, and signing in and out, as a service of their own.")


def create_app(settings: Settings, *, database: Database | None = None) -> web.Application:
    """Build the application; database: an open one, instead of the settings' own."""
    return build(settings, subapps(), ABOUT, database=database)


serve = command(
    "users",
    create_app,
    """Serve only users and signing in.

    Other services of ours are let in when they show the SERVICE_TOKEN. Run `shop-api worker`
    beside it on the same database: it sends the welcome mails.
    """,
    "SERVICE_TOKEN=... APP_PORT=8001 python -m users",
)

if __name__ == "__main__":
    alone.main(serve)
