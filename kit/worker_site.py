"""What a worker shows of itself on a port of its own: whether its loops go on, and its metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import hdrs, web

from kit import db, guards, health, problems, scrapes, server
from kit.pulse import Pulses
from kit.settings import Settings

GRACE = 1.0  # seconds for who asks at the end

PULSES = web.AppKey[Pulses]("PULSES")


@asynccontextmanager
async def shown(settings: Settings, opened: db.Database, pulses: Pulses) -> AsyncIterator[None]:
    """Show a worker on WORKER_PORT while the block lasts; port 0: nowhere.

    Raises:
        ServerError: the port cannot be had.
    """
    if not settings.worker_port:
        yield
        return
    listening = server.listen(settings.host, settings.worker_port, "WORKER_PORT")
    runner = server.Runner(create_app(settings, opened, pulses), grace=GRACE)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        yield
    finally:
        await runner.cleanup()


def create_app(settings: Settings, opened: db.Database, pulses: Pulses) -> web.Application:
    """Build the application that shows a worker."""
    app = web.Application(
        router=guards.Router(),
        middlewares=[problems.problems_middleware, guards.guard_middleware],
    )
    app.on_response_prepare.append(guards.add_headers)
    app[db.DATABASE], app[PULSES] = opened, pulses
    health.add_probes(app, settings, {"postgresql": health.ask_postgresql})
    app.router.add_get("/livez", livez)
    scrapes.setup(app)
    return app


async def livez(request: web.Request) -> web.Response:
    """Say whether each loop goes on; 503 when one has ended or hangs."""
    loops = {name: pulse.state for name, pulse in request.app[PULSES].items()}
    alive = set(loops.values()) == {"alive"}
    report = {"status": "alive" if alive else "broken", "loops": loops}
    return web.json_response(
        body=orjson.dumps(report),
        status=200 if alive else 503,
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )
