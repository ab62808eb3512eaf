"""Structured logs: one line per request, JSON unless a person is watching."""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from kit import discretion, log_file
from kit.log_fields import stack_trace, to_ecs
from kit.settings import SERVICE, Settings
from kit.tracing import name_trace

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

logger = structlog.stdlib.get_logger(SERVICE)

_OURS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    name_trace,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
_FOREIGN: list[structlog.typing.Processor] = [*_OURS, structlog.stdlib.ExtraAdder()]


def start(settings: Settings) -> None:
    """Write the log of a process as its settings want it.

    Raises:
        SettingsError: the file cannot be written.
    """
    configure(settings.log_level, settings.log_format, log_file.create(settings))


def configure(level: str, log_format: str, file: logging.Handler | None = None) -> None:
    """Send our own and every library's records to standard error in one shape.

    log_format: "json", "console", or "auto" for console on a terminal and JSON elsewhere.
    file: who takes the same as JSON, whatever the format is.
    """
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    write_to_logging()
    handler, json = logging.StreamHandler(sys.stderr), _Once(as_json())
    handler.setFormatter(_console() if console else json)
    handlers: list[logging.Handler] = [handler]
    if file is not None:
        file.setFormatter(json)
        handlers.append(file)
    logging.basicConfig(handlers=handlers, level=level, force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # who migrates says what was done
    if level != "DEBUG":  # while a broker is away it complains ten times a second; we say it once
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def write_to_logging() -> None:
    """Make records of what we say, for the handlers that take those of libraries, too."""
    structlog.configure(
        processors=[*_OURS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class _Once(logging.Formatter):
    """Write each record once for all who want it: the same line, at half of the price."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter
        self._last: tuple[logging.LogRecord | None, str] = (None, "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        known, line = self._last
        if known is not record:
            line = self._formatter.format(record)
            self._last = (record, line)
        return line


def as_json() -> logging.Formatter:
    """Build what writes a record as one line of JSON."""
    told = structlog.processors.ExceptionRenderer(discretion.told)
    return _formatter(told, to_ecs, structlog.processors.JSONRenderer(ensure_ascii=True))


def _console() -> logging.Formatter:
    return _formatter(structlog.dev.ConsoleRenderer(exception_formatter=_traceback))


def _traceback(out: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    out.write("\n" + stack_trace(discretion.told(exc_info)))


def _formatter(*ending: structlog.typing.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_FOREIGN,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _leading,
            discretion.discreet,
            *ending,
        ],
    )


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
