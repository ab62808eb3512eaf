"""The whole house in one process: the list of sub-apps."""

from aiohttp import web

import shop.app
import users.app
from kit.db import Database
from kit.settings import Settings
from kit.web import build

API = "/api/v1"


def create_app(settings: Settings, *, database: Database | None = None) -> web.Application:
    """Build the application; database: an open one, instead of the settings' own."""
    subapps = {
        f"{API}/auth": users.app.create_auth_app(),
        f"{API}/users": users.app.create_app(),
        f"{API}/shop": shop.app.create_app(),
    }
    return build(settings, subapps, database=database)
