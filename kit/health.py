"""Probes: is the process alive, and can it serve."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import hdrs, web
from sqlalchemy import text

from kit import db, kafka, redis
from kit.settings import Settings

Probe = Callable[[web.Request], Awaitable[None]]

PROBE_LIMIT = 1.5  # seconds; a probe that waits longer is an answer too


class Draining:
    """Remember that the server was told to stop."""

    def __init__(self) -> None:
        self.begun = False


DRAINING = web.AppKey("DRAINING", Draining)
SETTINGS = web.AppKey("SETTINGS", Settings)
PROBES = web.AppKey[dict[str, Probe]]("PROBES")
NEEDED = ("postgresql", "redis")  # without Kafka events wait in the outbox, and nobody notices


def setup(app: web.Application, settings: Settings) -> None:
    """Add the probes of the web."""
    probes = {"postgresql": ask_postgresql, "redis": _ask_redis, "kafka": _ask_kafka}
    add_probes(app, settings, probes)
    app.on_response_prepare.append(part)
    app.router.add_get("/livez", livez)


def add_probes(app: web.Application, settings: Settings, probes: Mapping[str, Probe]) -> None:
    """Let an application say whether what it needs answers."""
    app[DRAINING] = Draining()
    app[SETTINGS] = settings
    app[PROBES] = dict(probes)
    app.router.add_get("/readyz", readyz)


async def part(request: web.Request, response: web.StreamResponse) -> None:
    """Let a server that stops end each connection with an answer that says so."""
    if request.config_dict[DRAINING].begun:
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"


async def livez(_: web.Request) -> web.Response:
    """Say that the process answers; touch nothing else."""
    return web.json_response({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """Say whether each dependency answers, and how fast."""
    found = await states(request)
    draining = request.config_dict[DRAINING].begun
    ready = not draining and all(found[name]["status"] == "up" for name in NEEDED if name in found)
    report = {
        "status": "ready" if ready else "draining" if draining else "unavailable",
        "dependencies": found,
    }
    headers = {"Cache-Control": "no-store"} | ({} if ready else {"Retry-After": "2"})
    return web.json_response(
        body=orjson.dumps(report), status=200 if ready else 503, headers=headers
    )


async def states(request: web.Request) -> dict[str, dict[str, object]]:
    """Ask each dependency; return whether it answers, and how fast."""
    names = request.config_dict[PROBES]
    found = await asyncio.gather(*(_probe(ask, request) for ask in names.values()))
    return dict(zip(names, found, strict=True))


async def _probe(ask: Probe, request: web.Request) -> dict[str, object]:
    started = time.perf_counter()
    asking = asyncio.ensure_future(ask(request))
    done, _ = await asyncio.wait([asking], timeout=PROBE_LIMIT)
    if not done:
        asking.cancel()  # and nobody waits until a frozen server lets it go
        return {"status": "down", "error": "TimeoutError"}
    if error := asking.exception():
        return {"status": "down", "error": type(error).__name__}
    return {"status": "up", "latency_ms": round((time.perf_counter() - started) * 1000, 2)}


async def ask_postgresql(request: web.Request) -> None:
    """Ask for nothing."""
    async with request.config_dict[db.DATABASE].reading() as session:
        await session.execute(text("SELECT 1"))


async def _ask_redis(request: web.Request) -> None:
    await request.config_dict[redis.REDIS].ping()


async def _ask_kafka(request: web.Request) -> None:
    await kafka.ping(request.config_dict[SETTINGS])
