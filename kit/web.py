"""The porch of the house and what a view reaches from it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from kit import (
    attempts,
    db,
    engine,
    guards,
    health,
    log,
    passwords,
    problems,
    rates,
    redis,
    scrapes,
    services,
    session,
    site,
    status,
    telling,
    tracing,
    visitors,
)
from kit.cache import CACHE, Cache, Look
from kit.errors import NotSignedIn, StaffOnly
from kit.session_store import Identity, SessionStore
from kit.settings import Settings
from kit.site import About

PORCH = (  # outermost first
    scrapes.metrics_middleware,
    tracing.tracing_middleware,
    log.log_middleware,
    problems.problems_middleware,
    guards.guard_middleware,
)


class View(web.View):
    """Give a class-based view its resources; HEAD answers wherever GET does."""

    me: Identity

    def along(self) -> str | None:
        """Name the cached entry that this request will ask for, to load it with the session."""
        return None

    def __init_subclass__(cls) -> None:
        if "get" in cls.__dict__:
            cls.head = cls.__dict__["get"]  # type: ignore[attr-defined]

    async def admit(self, *, staff: bool, service: bool) -> None:
        """Let the signed-in user in, or another service of ours.

        Raises:
            NotSignedIn: a guest calls.
            StaffOnly: it takes a staff user.
        """
        if service and services.calls(self.request):
            return
        if name := self.along():
            self.request[session.ALONG] = self.cache.key(name)
        identity = await session.who(self.request)
        if identity is None:
            raise NotSignedIn
        if staff and not identity.is_staff:
            raise StaffOnly
        self.me = identity

    @property
    def passwords(self) -> passwords.Passwords:
        """Return the pool that hashes."""
        return self.request.config_dict[passwords.PASSWORDS]

    @property
    def cache(self) -> Cache:
        """Return the cache that all processes share."""
        return self.request.config_dict[CACHE]

    @property
    def brought(self) -> Look | None:
        """Return what came along with the session; None when nothing did."""
        found = self.request.get(session.BROUGHT)
        return Look.of(found) if found else None

    @property
    def sessions(self) -> SessionStore:
        """Return the store of sessions."""
        return self.request.config_dict[session.SESSIONS]

    @property
    def attempts(self) -> attempts.Attempts:
        """Return who counts guesses."""
        return self.request.config_dict[attempts.ATTEMPTS]

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session for reads, each statement on its own."""
        return self.request.config_dict[db.DATABASE].reading()

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction; leaving the block commits."""
        return self.request.config_dict[db.DATABASE].writing()


def build(
    settings: Settings,
    subapps: Mapping[str, web.Application],
    about: About,
    *,
    database: db.Database | None = None,
) -> web.Application:
    """Put sub-apps behind one porch.

    subapps: path prefix -> application; about: what the pages say of it; database: an open one,
    instead of the settings' own.
    """
    app = web.Application(
        router=guards.Router(),
        client_max_size=guards.LARGEST_BODY,
        middlewares=PORCH,
    )
    app.on_response_prepare.append(guards.add_headers)
    app.cleanup_ctx.append(partial(telling.telling_context, settings=settings))
    client = app[redis.REDIS] = redis.create_redis(settings)
    app.cleanup_ctx.append(redis.redis_context)
    session.setup(app, settings, client)
    app[CACHE] = Cache(client)
    services.setup(app, settings)
    visitors.setup(app, settings)
    rates.setup(app, settings, client)
    if database is None:
        app.cleanup_ctx.append(partial(engine.engine_context, settings=settings))
    else:
        app[db.DATABASE] = database
    app.cleanup_ctx.append(partial(passwords.passwords_context, settings=settings))
    health.setup(app, settings)
    scrapes.setup(app)
    site.setup(app, about)
    status.setup(app)
    for prefix, subapp in subapps.items():
        app.add_subapp(prefix, subapp)
    return app
