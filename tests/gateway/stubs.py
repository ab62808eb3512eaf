"""Servers that stand in a house's place and behave badly on purpose."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress

DROP = 0  # the connection closes when the request has been read
SILENT = -1  # nothing ever comes
LENGTH = re.compile("content-length: ([0-9]+)", re.IGNORECASE)
READY = {"/livez": 200, "/readyz": 200}


class Stubs:
    """Answer each path with a status and no more; remember what else was asked than probes."""

    def __init__(self, paths: Mapping[str, int]) -> None:
        self.paths = READY | dict(paths)
        self.port = 0
        self.seen: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(asyncio.IncompleteReadError, ConnectionError), closing(writer):
            method, path, rest = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
            if length := LENGTH.search(rest):
                await reader.readexactly(int(length[1]))
            if path not in READY:
                self.seen.append(f"{method} {path}")
            status = self.paths[path]
            while status == SILENT and await reader.read(1024):
                pass
            if status > 0:
                writer.write(b"HTTP/1.1 %d Whatever\r\nX-Request-ID: stub\r\n" % status)
                writer.write(b"Content-Length: 0\r\nConnection: close\r\n\r\n")


@asynccontextmanager
async def standing_in(
    paths: Mapping[str, int], addresses: tuple[str, ...]
) -> AsyncIterator[Stubs]:
    """Let stubs listen on one port of several addresses while the block lasts."""
    stubs = Stubs(paths)
    async with AsyncExitStack() as stack:
        for address in addresses:
            server = await asyncio.start_server(stubs.serve, address, stubs.port)
            stubs.port = server.sockets[0].getsockname()[1]
            stack.callback(server.close)
        yield stubs
