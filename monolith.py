"""The whole house in one process: the list of sub-apps, and what its worker hears."""

from aiohttp import web

import applications.app
import applications.events
import shop.app
import shop.events
import users.app
from kit.consumer import Handlers
from kit.db import Database
from kit.settings import Settings
from kit.web import build

API = "/api/v1"

TOPICS = (applications.events.TOPIC, shop.events.TOPIC)
HANDLERS: Handlers = {
    (
        applications.events.TOPIC,
        applications.events.APPLICATION_CREATED,
    ): applications.events.note_arrival,
}


def create_app(settings: Settings, *, database: Database | None = None) -> web.Application:
    """Build the application; database: an open one, instead of the settings' own."""
    subapps = {
        f"{API}/auth": users.app.create_auth_app(),
        f"{API}/users": users.app.create_app(),
        f"{API}/shop": shop.app.create_app(),
        f"{API}/applications": applications.app.create_app(),
        "/applications": applications.app.create_app(),
    }
    return build(settings, subapps, database=database)
