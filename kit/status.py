"""What the first page shows of the moment: each dependency, and what waits in the outbox."""

import time
from typing import Any

import orjson
from aiohttp import hdrs, web
from sqlalchemy.exc import SQLAlchemyError

from kit import db, health, outbox, site
from kit.log import logger

KEPT = 1.0  # seconds in which everybody gets the same answer, so that nobody can make it costly

STATUS = web.AppKey("STATUS", dict[str, Any])


def setup(app: web.Application) -> None:
    """Add the address."""
    app[STATUS] = {"until": 0.0}
    app.router.add_get("/status", status)


async def status(request: web.Request) -> web.Response:
    """Say how things stand; always 200, for the page is there to show what is down."""
    kept = request.config_dict[STATUS]
    if kept["until"] < time.monotonic():
        kept["body"] = orjson.dumps(await _look(request))
        kept["until"] = time.monotonic() + KEPT
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    return web.json_response(body=kept["body"], headers=headers)


async def _look(request: web.Request) -> dict[str, Any]:
    about = request.config_dict[site.ABOUT]
    return {
        "service": about.title,
        "version": about.version,
        "dependencies": await health.states(request),
        "outbox": await _outbox(request),
        "logins": about.logins,
    }


async def _outbox(request: web.Request) -> dict[str, Any] | None:
    """Count the events that wait, None when PostgreSQL cannot be asked."""
    try:
        async with request.config_dict[db.DATABASE].reading() as session:
            number, oldest = await outbox.waiting(session)
    except (SQLAlchemyError, OSError) as error:
        logger.warning("outbox not counted", cause=type(error).__name__)
        return None
    return {"waiting": number, "oldest_seconds": oldest.total_seconds() if oldest else None}
