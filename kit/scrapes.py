"""How requests are measured, and what Prometheus is shown at /metrics."""

import asyncio
import time
from collections.abc import AsyncIterator

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from kit import db, metrics
from kit.backlog import Backlog
from kit.log import canonical_route

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
METHODS = hdrs.METH_ALL - {hdrs.METH_ANY}
OTHER = "other"  # whatever a client makes up

DURATION = metrics.histogram(
    "http_request_duration_seconds",
    "Time to answer requests.",
    BUCKETS,
    **dict.fromkeys(("method", "route", "status"), ()),
)
IN_PROGRESS = metrics.gauge("http_requests_in_progress", "Requests that are being answered.")
BACKLOG = web.AppKey("BACKLOG", Backlog)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Note a request that is over."""
    known = method if method in METHODS else OTHER
    DURATION.of(known, route, str(status)).observe(seconds)


@web.middleware
async def metrics_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Measure a request, answered or abandoned."""
    started, status = time.perf_counter(), 499
    in_progress = IN_PROGRESS.of()
    in_progress.inc()
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        in_progress.dec()
        seconds = time.perf_counter() - started
        observe(request.method, canonical_route(request), status, seconds)


def setup(app: web.Application) -> None:
    """Add the address; needs an open database by the time the application runs."""
    app.cleanup_ctx.append(_context)
    app.router.add_get("/metrics", show)


async def _context(app: web.Application) -> AsyncIterator[None]:
    app[BACKLOG] = Backlog(app[db.DATABASE])
    metrics.begin()
    yield


async def show(request: web.Request) -> web.Response:
    """Show what all processes of this server have counted, as Prometheus reads it."""
    accept = request.headers.get(hdrs.ACCEPT, "")
    figures = await request.config_dict[BACKLOG].metrics()
    body, content_type = await asyncio.to_thread(metrics.exposition, accept, figures)
    headers = {hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(body=body, headers=headers)
