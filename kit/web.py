"""The porch of the house and what a view needs: endpoints are closed unless `guest=True`."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate

import orjson
from aiohttp import hdrs, web
from marshmallow import Schema
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kit import db, faults, guards, health, log, passwords, problems, redis, schemas, session
from kit.errors import Failure, NotSignedIn, StaffOnly
from kit.pages import Page
from kit.parsing import parser, path_values, read_body
from kit.session_store import Identity, SessionStore
from kit.settings import Settings

TRIES = 3  # of a request whose transaction lost against another one

Method = Callable[Concatenate[Any, ...], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Declare what enters an endpoint, what leaves it, and who may call it."""

    json: Schema | None = None
    query: Schema | None = None
    returns: Schema | None = None
    status: int = 200
    raises: tuple[type[Failure], ...] = ()
    guest: bool = False
    staff: bool = False
    body_optional: bool = False
    location: str | None = None

    def __call__(self, method: Method) -> Method:
        """Turn a view's method into an endpoint."""

        @wraps(method)
        async def handle(view: "View") -> web.Response:
            if not self.guest:
                await view.admit(staff=self.staff)
            arguments = await self.arguments(view.request)
            return self.answer(view.request, await _try(partial(method, view, **arguments)))

        handle.endpoint = self  # type: ignore[attr-defined]
        return handle

    async def arguments(self, request: web.Request) -> dict[str, Any]:
        """Parse path, query and body into keyword arguments, unknown ones refused."""
        found = path_values(request.match_info)
        found.update(await parser.parse(self.query or schemas.Schema(), request, location="query"))
        if request.method in guards.SAFE_METHODS:
            return found
        body = await read_body(request)
        if body or (self.json is not None and not self.body_optional):
            found.update(
                await parser.parse(self.json or schemas.Schema(), request, location="json")
            )
        return found

    def answer(self, request: web.Request, result: Any) -> web.Response:
        """Build the response from what the view's method returned."""
        response = web.Response(status=self.status)
        if isinstance(result, Page):
            response.body = result.to_json()
            if links := result.links(request.rel_url):
                response.headers["Link"] = links
        elif self.returns is not None:
            document = self.returns.dump(result)
            response.body = orjson.dumps(document)
            if self.location is not None:
                path = request.app.router[self.location].url_for(id=str(document["id"]))
                response.headers["Location"] = str(path)
        if self.returns is not None:
            response.content_type = "application/json"
        if not self.guest or request.method not in guards.SAFE_METHODS:
            response.headers["Cache-Control"] = "no-store"
        return response


endpoint = Endpoint  # the name that reads well above a method


async def _try(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """Run a method again when PostgreSQL chose its transaction to break a deadlock."""
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except DBAPIError as error:
            if faults.sqlstate(error) not in faults.RETRYABLE:
                raise
    return await attempt()


class View(web.View):
    """Give a class-based view its resources; HEAD answers wherever GET does."""

    me: Identity

    def __init_subclass__(cls) -> None:
        if "get" in cls.__dict__:
            cls.head = cls.__dict__["get"]  # type: ignore[attr-defined]

    async def admit(self, *, staff: bool) -> None:
        """Let the signed-in user in.

        Raises:
            NotSignedIn: a guest calls.
            StaffOnly: it takes a staff user.
        """
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
    def sessions(self) -> SessionStore:
        """Return the store of sessions."""
        return self.request.config_dict[session.SESSIONS]

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session for reads, each statement on its own."""
        return self.request.config_dict[db.DATABASE].reading()

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction; leaving the block commits."""
        return self.request.config_dict[db.DATABASE].writing()


def build(
    settings: Settings,
    subapps: Mapping[str, web.Application],
    *,
    database: db.Database | None = None,
) -> web.Application:
    """Put sub-apps behind one porch.

    subapps: path prefix -> application; database: an open one, instead of the settings' own.
    """
    app = web.Application(
        router=guards.Router(),
        client_max_size=guards.LARGEST_BODY,
        middlewares=[log.log_middleware, problems.problems_middleware, guards.guard_middleware],
    )
    app.on_response_prepare.append(guards.add_headers)
    client = app[redis.REDIS] = redis.create_redis(settings)
    app.cleanup_ctx.append(redis.redis_context)
    session.setup(app, settings, client)
    if database is None:
        app.cleanup_ctx.append(partial(db.engine_context, settings=settings))
    else:
        app[db.DATABASE] = database
    app.cleanup_ctx.append(partial(passwords.passwords_context, settings=settings))
    health.setup(app)
    app.router.add_view("/problems/{code}", problems.ProblemView)
    for prefix, subapp in subapps.items():
        app.add_subapp(prefix, subapp)
    return app


def operations(app: web.Application) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and handler of everything that an application answers, but HEAD."""
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if route.method == hdrs.METH_ANY:
            for method in sorted(hdrs.METH_ALL - {hdrs.METH_ANY, hdrs.METH_HEAD}):
                handler = getattr(route.handler, method.lower(), None)
                if handler is not None:
                    yield method, path, handler
        elif route.method != hdrs.METH_HEAD:
            yield route.method, path, route.handler
