"""Serve an application: in this process, or with gunicorn in several behind one socket."""

import asyncio
import errno
import os
import secrets
import signal
import socket
from collections.abc import Callable

import uvloop
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from kit import guards, metrics, problems, scrapes
from kit.faults import InternalError, MalformedRequest
from kit.health import DRAINING
from kit.log import logger
from kit.settings import SERVICE, Settings
from kit.web_worker import WebWorker, hear

# aiohttp closes a connection whose headers drip in only by this limit
KEEP_ALIVE = 10.0  # seconds
GRACE = 10.0  # seconds for the requests under way when the server is told to stop
LINGER = 1.0  # seconds for a client to notice that the rest of its body is not wanted
DRAIN = 1.0  # seconds before that in which it still accepts

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last: a terminal was closed

CreateApp = Callable[[Settings], web.Application]


class ServerError(Exception):
    """The server cannot start; the text says why and what to do."""


class PortTaken(ServerError):
    """Somebody else listens on the port."""


class Handler(RequestHandler):
    """Answer what is not even HTTP in our own words: no echo of the bytes, no version."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Build the answer and log one line."""
        request["request_id"] = secrets.token_hex(16)
        failure = InternalError() if status >= 500 else MalformedRequest()
        known, cause = problems.status_of(type(failure)), type(exc).__name__
        unknown = {"method": None, "route": "unknown", "duration_ms": None, "user_id": None}
        told = {"request_id": request["request_id"], "status": known, "cause": cause}
        scrapes.observe(scrapes.OTHER, "unknown", known, 0.0)
        logger.info("request", **unknown, **told)
        if status >= 500:  # a defect outside of the problems middleware
            logger.error("unexpected error", request_id=request["request_id"], exc_info=exc)
        response = problems.problem(request, failure)
        response.headers.update({**guards.HEADERS, "X-Request-ID": request["request_id"]})
        response.headers["Server"] = SERVICE  # else aiohttp names itself and its version
        response.force_close()
        return response


class PoliteServer(Server):
    """Make connections that are handled by our `Handler`."""

    def __call__(self) -> RequestHandler:
        """Handle one more connection."""
        return Handler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Run an application with the limits of this service."""

    def __init__(self, app: web.Application, *, drain: float = 0.0, grace: float = GRACE) -> None:
        """drain: seconds in which to say that we stop, and to let bodies arrive, before we do.

        grace: seconds for the requests under way.
        """
        self._drain = drain
        super().__init__(
            app,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGER,
            shutdown_timeout=grace,
        )

    async def cleanup(self) -> None:
        """Tell the probes, wait for what is arriving, then finish what is under way."""
        self.app[DRAINING].begun = True
        await asyncio.sleep(self._drain)
        for site in list(self.sites):
            await site.stop()
        await asyncio.sleep(self._drain / 2)  # else who was accepted last is cut off unheard
        await super().cleanup()

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        factory = made.request_factory
        return PoliteServer(made.request_handler, request_factory=factory, **made._kwargs)


def listen(host: str, port: int, setting: str = "APP_PORT") -> socket.socket:
    """Open the listening socket; port 0 takes any free one; setting: where the port comes from.

    Raises:
        PortTaken: somebody listens there.
        ServerError: the address is not ours.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except (TypeError, UnicodeError):
        raise ServerError(f"{host} is no name of a host: set APP_HOST.") from None
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        kind, advice = (PortTaken, setting) if taken else (ServerError, "APP_HOST")
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise kind(f"Cannot listen on {host}:{port} ({reason}): set {advice}.") from None


def run(runner: Runner, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve in this process until SIGINT or SIGTERM, then finish what is under way."""
    uvloop.run(_serve(runner, listening, started))


async def _serve(runner: Runner, listening: socket.socket, started: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop.set)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    started()
    await stop.wait()
    await runner.cleanup()


class GunicornLog(Logger):  # type: ignore[misc]
    """Leave gunicorn's records to the handlers of the process."""

    def setup(self, cfg: object) -> None:
        """Add no handler."""
        self.error_log.propagate = True


def _bury(_: object, worker: Worker) -> None:
    metrics.bury(worker.pid)


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """Run several workers that accept from one socket, opened before they fork."""

    def __init__(self, settings: Settings, create_app: CreateApp) -> None:
        self._settings = settings
        self._create_app = create_app
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        settings = self._settings
        self.cfg.set("bind", f"{settings.host}:{settings.port}")
        self.cfg.set("workers", settings.workers)
        self.cfg.set("worker_class", WebWorker)
        self.cfg.set("graceful_timeout", int(DRAIN + GRACE) + 5)
        self.cfg.set("post_fork", hear)
        self.cfg.set("logger_class", GunicornLog)
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("proc_name", SERVICE)
        self.cfg.set("child_exit", _bury)

    def run(self) -> None:
        """Serve until told to stop; all workers show the same metrics."""
        with metrics.shared():
            super().run()

    def load(self) -> Callable[[], object]:
        """Give each worker a way to make its own application."""

        async def make() -> Runner:
            return Runner(self._create_app(self._settings), drain=DRAIN)

        return make
