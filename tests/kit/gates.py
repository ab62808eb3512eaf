"""A way to a server that can be shut and opened again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from sqlalchemy import make_url

from kit.settings import Settings

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


class Gate:
    """Pass connections on to a port of this machine while it is open."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[Writer] = set()
        self._flow = asyncio.Event()
        self._flow.set()
        self.port = 0

    async def open(self) -> None:
        """Accept connections, always at the same port."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)
        self._writers.clear()

    def freeze(self) -> None:
        """Keep every connection and accept new ones, but let nothing pass any more."""
        self._flow.clear()

    async def _pass_on(self, reader: Reader, writer: Writer) -> None:
        self._writers.add(writer)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(far_writer)
        for pair in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(self._pump(*pair))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: Reader, writer: Writer) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._flow.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def gated_database(settings: Settings) -> AsyncIterator[tuple[Settings, Gate]]:
    """Lead to the database through a gate."""
    url = make_url(settings.database_url)
    assert url.port is not None
    gate = Gate(url.port)
    await gate.open()
    through = url.set(host="127.0.0.1", port=gate.port)
    try:
        yield replace(settings, database_url=through.render_as_string(hide_password=False)), gate
    finally:
        await gate.shut()


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Accept connections and never answer; give the address."""
    writers: set[Writer] = set()

    async def listen(reader: Reader, writer: Writer) -> None:
        writers.add(writer)
        with suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.transport.abort()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for writer in writers:
        writer.transport.abort()
