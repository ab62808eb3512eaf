"""Which trace a request or an event belongs to, with or without OpenTelemetry."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Protocol

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

PARENT = "traceparent"  # W3C Trace Context, 3.2: the header, and the attribute of a message
LONGEST_PARENT = 55
FORM = re.compile(
    "(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
UNTOLD = {"/livez", "/readyz", "/metrics", "/status"}  # asked every few seconds, for ever


class Teller(Protocol):
    """Tell of what is done; the only one is OpenTelemetry's."""

    def request(self, request: web.Request) -> AbstractContextManager["Answered"]:
        """Tell of the request that is answered in the block."""

    def event(self, name: str, parent: str | None) -> AbstractContextManager[None]:
        """Tell of the event that is handled in the block."""

    def silence(self) -> AbstractContextManager[None]:
        """Tell nothing of what is done in the block."""

    def parent(self) -> str | None:
        """Return what makes others go on with this trace, None when there is none."""


class Answered(Protocol):
    """Hear how a request was answered."""

    def __call__(self, status: int) -> None:
        """Note the status."""


_parent: ContextVar[str | None] = ContextVar("traceparent", default=None)
_teller: list[Teller] = []  # one at the most


def parent_of(offered: str) -> str | None:
    """Return what a stranger offers as a trace to go on with, None when it is no such thing."""
    return offered if FORM.fullmatch(offered) else None


def carried() -> str | None:
    """Return what makes others go on with the trace of this moment, None when there is none."""
    return _teller[0].parent() if _teller else _parent.get()


@contextmanager
def telling(teller: Teller) -> Iterator[None]:
    """Let somebody tell of what is done in this process while the block lasts."""
    _teller.append(teller)
    try:
        yield
    finally:
        _teller.remove(teller)


@contextmanager
def _passed_on(parent: str | None) -> Iterator[None]:
    token = _parent.set(parent)
    try:
        yield
    finally:
        _parent.reset(token)


def continued(name: str, parent: str | None) -> AbstractContextManager[None]:
    """Go on in the block with the trace that an event has brought along."""
    return _teller[0].event(name, parent) if _teller else _passed_on(parent)


def silence() -> AbstractContextManager[None]:
    """Leave out of all traces what is done in the block."""
    return _teller[0].silence() if _teller else nullcontext()


@web.middleware
async def tracing_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Go on with the trace of the request, or begin one where OpenTelemetry tells of it."""
    if request.path in UNTOLD:
        with silence():
            return await handler(request)
    if not _teller:  # who takes no part passes on what came (W3C Trace Context, 4.3)
        with _passed_on(parent_of(request.headers.get(PARENT, ""))):
            return await handler(request)
    with _teller[0].request(request) as answered:
        response = await handler(request)
        answered(response.status)
        return response


def name_trace(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add the trace of this moment to a line of the log."""
    if found := FORM.fullmatch(carried() or ""):
        event["trace_id"] = found["trace"]
    return event
