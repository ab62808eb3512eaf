"""The friends service by itself: it asks a users service over HTTP who somebody is."""

from functools import partial

from aiohttp import web

from friends.app import subapps
from friends.directory import address_of, directory_context
from kit import alone
from kit.db import Database
from kit.serve import command
from kit.settings import VERSION, Settings
from kit.site import About
from kit.web import build

ABOUT = About("friends", VERSION, "Who is whose friend, as a service of its own beside users.")


def create_app(settings: Settings, *, database: Database | None = None) -> web.Application:
    """Build the application; database: an open one, instead of the settings' own.

    Raises:
        SettingsError: it is not said where the users service is.
    """
    address_of(settings)
    app = build(settings, subapps(), ABOUT, database=database)
    app.cleanup_ctx.append(partial(directory_context, settings=settings))
    return app


serve = command(
    "friends",
    create_app,
    """Serve only friendships, beside a users service.

    USERS_SERVICE_URL says where that is, and SERVICE_TOKEN is shown to it. DATABASE_URL may name a
    database of its own; REDIS_URL must be the same for both, then a cookie is good at both doors.
    """,
    "USERS_SERVICE_URL=http://127.0.0.1:8001 SERVICE_TOKEN=... APP_PORT=8002 python -m friends",
)

if __name__ == "__main__":
    alone.main(serve)
