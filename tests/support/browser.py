"""A headless Chromium that reaches no host but this one."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from aiohttp import ClientSession

from tests.kit.events import until
from tests.support.tabs import PATIENCE, Tab, Wire

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root cannot have one; only our own pages are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers keep it small
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def program() -> str | None:
    """Return the browser that CHROMIUM names, or one that is installed."""
    found = (shutil.which(name) for name in NAMES)
    return os.environ.get("CHROMIUM") or next((path for path in found if path), None)


class Browser:
    """A running Chromium."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """Keep a page open that knows nothing of others."""
        context = await self._wire.ask("Target.createBrowserContext")
        target = await self._wire.ask("Target.createTarget", url="about:blank", **context)
        attached = await self._wire.ask("Target.attachToTarget", flatten=True, **target)
        tab = Tab(self._wire, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.ask(f"{domain}.enable")
        yield tab
        await self._wire.ask("Target.disposeBrowserContext", **context)


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Browser]:
    """Run a browser that keeps its things in a folder."""
    with _running(folder) as process:
        address = await _address(folder, process)
        async with ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            wire = Wire(socket)
            listening = asyncio.create_task(wire.listen())
            yield Browser(wire)
            listening.cancel()


@contextmanager
def _running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program() or NAMES[0], *FLAGS, f"--user-data-dir={folder}"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):  # its helpers, if some are left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the browser has said where it listens."""
    said = folder / "DevToolsActivePort"  # the port and a path, each on a line

    async def is_there() -> bool:
        assert process.poll() is None, (folder / "log").read_text(errors="replace")
        return said.exists() and "/" in said.read_text()

    await until(is_there, PATIENCE)
    port, path = said.read_text().split()
    return f"ws://127.0.0.1:{port}{path}"
