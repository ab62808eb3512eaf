"""What the first page shows of the moment: each dependency, and what waits in the outbox."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import hdrs, web
from sqlalchemy.exc import SQLAlchemyError

from kit import db, health, outbox, site
from kit.log import logger

KEPT = 1.0  # seconds in which everybody gets the same answer, so that nobody can make it costly

MOST_COUNTED = 10_001  # events


@dataclass(slots=True)
class Kept:
    """Hold the last answer, and let one request at a time make the next."""

    until: float = 0.0
    body: bytes = b""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


STATUS = web.AppKey("STATUS", Kept)


def setup(app: web.Application) -> None:
    """Add the address."""
    app[STATUS] = Kept()
    app.router.add_get("/status", status)


async def status(request: web.Request) -> web.Response:
    """Say how things stand; always 200, for the page is there to show what is down."""
    kept = request.config_dict[STATUS]
    async with kept.lock:
        if kept.until < time.monotonic():
            kept.body = orjson.dumps(await _look(request))
            kept.until = time.monotonic() + KEPT
    return web.json_response(body=kept.body, headers={hdrs.CACHE_CONTROL: "no-store"})


async def _look(request: web.Request) -> dict[str, Any]:
    about, found = request.config_dict[site.ABOUT], await health.states(request)
    is_up = found["postgresql"]["status"] == "up"
    return {
        "service": about.title,
        "version": about.version,
        "dependencies": found,
        "outbox": await _outbox(request) if is_up else None,
        "logins": about.logins,
    }


async def _outbox(request: web.Request) -> dict[str, Any] | None:
    """Count the events that wait, None when PostgreSQL cannot be asked."""
    try:
        async with (
            asyncio.timeout(health.PROBE_LIMIT),
            request.config_dict[db.DATABASE].reading() as session,
        ):
            number, oldest = await outbox.waiting(session, MOST_COUNTED)
    except (SQLAlchemyError, OSError) as error:
        logger.warning("outbox not counted", cause=type(error).__name__)
        return None
    return {"waiting": number, "oldest_seconds": oldest.total_seconds() if oldest else None}
