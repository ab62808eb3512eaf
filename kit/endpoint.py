"""One declaration per endpoint: it parses what enters, answers, and can be read by others."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate

import orjson
from aiohttp import web
from marshmallow import Schema
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from kit import faults, guards, idempotency, rates, schemas
from kit.errors import Failure
from kit.metrics import Family
from kit.pages import Rows
from kit.parsing import parser, path_values, read_body

if TYPE_CHECKING:
    from kit.web import View

TURN = 1.5  # seconds for another request under the same key to end
LOOK = 0.05  # seconds between two looks
TRIES = 3  # of a request whose transaction lost against another one

Method = Callable[Concatenate[Any, ...], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Present:
    """Hold what a method found where it would have made it; `present_status` answers that."""

    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Declare what enters an endpoint, what leaves it, and who may call it."""

    json: Schema | None = None
    query: Schema | None = None
    returns: Schema | None = None
    status: int = 200
    present_status: int | None = None
    raises: tuple[type[Failure], ...] = ()
    guest: bool = False
    staff: bool = False
    service: bool = False  # other services of ours may call it, too
    personal: bool = False  # guests, too, see people: nobody is to store the answer
    body_optional: bool = False
    location: str | None = None
    operation_id: str | None = None
    limited: bool = False
    cookie: bool = False  # it sets or takes back the session's
    idempotent: bool = False  # then the method gets its transaction as `session`
    counts: Family[Counter] | None = None  # what it has done, with `idempotent`: once a key

    def __call__(self, method: Method) -> Method:
        """Turn a view's method into an endpoint."""

        @wraps(method)
        async def handle(view: "View") -> web.Response:
            if not self.guest:
                await view.admit(staff=self.staff, service=self.service)
            if self.limited:
                await rates.admit(view.request, _domain(view))
            arguments = await self.arguments(view.request)
            if self.idempotent:
                answer = await self._in_turn(partial(self._once, view, method, arguments))
                if self.counts and not idempotency.is_replay(view.request):
                    self.counts.of().inc()
                return answer
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
        response, is_new = web.Response(status=self.status), True
        if isinstance(result, Present) and self.present_status is not None:
            response.set_status(self.present_status)
            result, is_new = result.result, False
        if isinstance(result, Rows):
            response.body = result.to_json()
            if links := result.links(request.rel_url):
                response.headers["Link"] = links
        elif self.returns is not None:
            document = self.returns.dump(result)
            response.body = orjson.dumps(document)
            if self.location is not None and is_new:
                path = request.app.router[self.location].url_for(id=str(document["id"]))
                response.headers["Location"] = str(path)
        if self.returns is not None:
            response.content_type = "application/json"
        if self.personal or not self.guest or request.method not in guards.SAFE_METHODS:
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _in_turn(self, attempt: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """Let a request under the same key end first; whoever waits holds no connection."""
        deadline = time.monotonic() + TURN
        while True:
            try:
                answer: web.Response = await _try(attempt)
            except idempotency.RequestInProgress:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(LOOK)
            else:
                return answer

    async def _once(
        self, view: "View", method: Method, arguments: Mapping[str, Any]
    ) -> web.Response:
        """Answer in the transaction of the effect; a key that was used gets its first answer."""
        request = view.request
        key = idempotency.key_of(request)

        async def act() -> web.Response:
            return self.answer(request, await method(view, session, **arguments))

        async with view.writing() as session:
            if key is None:
                return await act()
            claim = idempotency.Claim(
                f"{_domain(view)}.{type(view).__name__}",
                idempotency.NOBODY if self.guest else view.me.user_id,
                key,
                idempotency.fingerprint(arguments),
            )
            outcome = await idempotency.once(request, session, claim, act)
        if isinstance(outcome, Failure):  # raised inside, it would take the claim back
            raise outcome
        outcome.headers["Cache-Control"] = "no-store"
        return outcome


endpoint = Endpoint  # the name that reads well above a method


def _domain(view: "View") -> str:
    return type(view).__module__.partition(".")[0]


async def _try(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """Run a method again when PostgreSQL chose its transaction to break a deadlock."""
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except DBAPIError as error:
            if faults.sqlstate(error) not in faults.RETRYABLE:
                raise
    return await attempt()
