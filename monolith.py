"""The whole house in one process: the list of sub-apps, and what its worker hears."""

from aiohttp import web
from redis import asyncio as aioredis

import applications.app
import applications.events
import friends.app
import shop.app
import shop.events
import users.app
import users.events
import users.public
from friends.directory import DIRECTORY
from kit.cache import Cache
from kit.consumer import Handlers
from kit.db import DATABASE, Database
from kit.session import create_store
from kit.settings import Settings
from kit.web import API, build

TOPICS = (applications.events.TOPIC, shop.events.TOPIC, users.events.TOPIC)


def create_app(settings: Settings, *, database: Database | None = None) -> web.Application:
    """Build the application; database: an open one, instead of the settings' own."""
    subapps = {
        **users.app.subapps(),
        f"{API}/shop": shop.app.create_app(),
        f"{API}/applications": applications.app.create_app(),
        "/applications": applications.app.create_app(),
        f"{API}/friends": friends.app.create_app(),
    }
    app = build(settings, subapps, database=database)
    app[DIRECTORY] = users.public.Directory(lambda: app[DATABASE])
    return app


def create_handlers(settings: Settings, redis: aioredis.Redis) -> Handlers:
    """Return what is done on hearing of events."""
    return {
        **applications.events.HANDLERS,
        **users.events.handlers(Cache(redis), create_store(settings, redis)),
    }
