"""The whole house in one process: the list of sub-apps, and what its worker hears."""

from functools import partial

from aiohttp import web
from redis import asyncio as aioredis

import applications.app
import applications.events
import friends.app
import friends.directory
import picnic.app
import picnic.directory
import shop.app
import shop.events
import users.app
import users.events
import users.public
from kit.addresses import API
from kit.cache import Cache
from kit.consumer import Handlers
from kit.db import DATABASE, Database
from kit.session import create_store
from kit.settings import VERSION, Settings
from kit.site import About
from kit.web import build
from picnic.weather.choose import weather_context

DESCRIPTION = (
    "Books in shops, a cart and orders; picnics in cities with their weather; applications that "
    "reach Kafka; people, and their friends. One session-based service."
)
LOGINS = ("demo / skytrack", "admin / skytrack (staff)")
TOPICS = (applications.events.TOPIC, shop.events.TOPIC, users.events.TOPIC)


def about(settings: Settings) -> About:
    """Say what is served; the demo logins are shown where they may exist."""
    logins = () if settings.app_env == "production" else LOGINS
    return About("shop-api", VERSION, DESCRIPTION, logins)


def create_app(settings: Settings, *, database: Database | None = None) -> web.Application:
    """Build the application; database: an open one, instead of the settings' own."""
    subapps = {
        **users.app.subapps(),
        f"{API}/shop": shop.app.create_app(),
        **picnic.app.subapps(),
        f"{API}/applications": applications.app.create_app(),
        "/applications": applications.app.create_app(),
        f"{API}/friends": friends.app.create_app(),
    }
    app = build(settings, subapps, about(settings), database=database)
    directory = users.public.Directory(lambda: app[DATABASE])
    app[friends.directory.DIRECTORY] = app[picnic.directory.DIRECTORY] = directory
    app.cleanup_ctx.append(partial(weather_context, settings=settings))
    return app


def create_handlers(settings: Settings, redis: aioredis.Redis) -> Handlers:
    """Return what is done on hearing of events."""
    return {
        **applications.events.HANDLERS,
        **users.events.handlers(Cache(redis), create_store(settings, redis)),
    }
