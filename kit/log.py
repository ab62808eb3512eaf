"""Structured logs: one line per request, JSON unless a person is watching."""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from kit.settings import SERVICE

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

logger = structlog.stdlib.get_logger(SERVICE)

# local variables stay out: they hold what users typed
_frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _told(exc_info: structlog.typing.ExcInfo) -> list[dict[str, Any]]:
    """Tell an exception without what PostgreSQL quotes of rows, keys and parameters."""
    told = _frames(exc_info)
    for part in told:
        part["exc_value"] = part["exc_value"].split("\nDETAIL:")[0].split("\n[parameters:")[0]
    return told


TRACEBACKS = structlog.processors.ExceptionRenderer(_told)

_OURS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
_FOREIGN: list[structlog.typing.Processor] = [*_OURS, structlog.stdlib.ExtraAdder()]


def configure(level: str, log_format: str) -> None:
    """Send our own and every library's records to standard error in one shape.

    log_format: "json", "console", or "auto" for console on a terminal and JSON elsewhere.
    """
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    ending: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [
            TRACEBACKS,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ]
    )
    structlog.configure(
        processors=[*_OURS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_FOREIGN,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _leading,
            *ending,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # who migrates says what was done
    if level != "DEBUG":  # while a broker is away it complains ten times a second; we say it once
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _leading(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Let every line begin with when, how bad, what, and for which request."""
    first = [name for name in ("time", "level", "event", "request_id") if name in event]
    return {name: event[name] for name in first} | dict(event)


def canonical_route(request: web.Request) -> str:
    """Return the route's pattern, or one name for all unknown paths."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _request_id(request: web.Request) -> str:
    offered = request.headers.get("X-Request-ID", "")
    return offered if REQUEST_ID.fullmatch(offered) else secrets.token_hex(16)


@web.middleware
async def log_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request and write its one line when it is answered or abandoned."""
    started = time.perf_counter()
    request["request_id"] = _request_id(request)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request["request_id"])
    status = 499  # nobody waited for the answer
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        fields: dict[str, Any] = {
            "method": request.method,
            "route": canonical_route(request),
            "status": status,
            "duration_ms": round((time.perf_counter() - started) * 1000, 2),
            "user_id": request.get("user_id"),
        }
        logger.info("request", **fields)


@contextmanager
def speaking_for(request_id: str | None) -> Iterator[None]:
    """Bind the id of the request that began what is done in the block."""
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        yield


def bound_request_id() -> str | None:
    """Return the id of the request that is being served, None outside of one."""
    request_id: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return request_id
