"""Visitors who GET without end, and what they saw: raw connections, nothing is tried twice."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.kit.doors import request

LIMIT = 20.0  # seconds for one answer
PAUSE = 0.02  # seconds between two requests of a visitor
HEALTHY = 200


class Raced(Exception):
    """The server closed a used connection before it could have seen the request."""


@dataclass
class Visitors:
    """Count answers by status, requests without an answer by cause, and how long they took."""

    port: int
    path: str
    answers: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    raced: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Count the requests that got no good answer."""
        return self.failures.total() + sum(self.answers.values()) - self.answers[HEALTHY]

    @property
    def figures(self) -> dict[str, object]:
        """Sum up."""
        ordered = sorted(self.seconds) or [0.0]
        return {
            "answered": dict(self.answers),
            "failed": dict(self.failures),
            "raced": self.raced,
            "p99": round(ordered[int(len(ordered) * 0.99)], 3),
            "slowest": round(ordered[-1], 3),
        }

    async def visit(self, *, keep: bool) -> None:
        """Send one GET after the other until cancelled, over one connection or over many."""
        while True:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(LIMIT):
                        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    stack.callback(writer.close)
                    await self._stay(reader, writer, keep=keep)
                except Raced:
                    self.raced += 1
                except (OSError, EOFError) as error:
                    self.failures[type(error).__name__] += 1

    async def _stay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep: bool
    ) -> None:
        """Use a connection until one of both ends closes it."""
        used, goes_on = False, True
        while goes_on:
            await asyncio.sleep(PAUSE)
            started = time.perf_counter()
            async with asyncio.timeout(LIMIT):
                status, goes_on = await self._ask(reader, writer, used=used, keep=keep)
            used = True
            self.answers[status] += 1
            self.seconds.append(time.perf_counter() - started)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, used: bool, keep: bool
    ) -> tuple[int, bool]:
        manner = "keep-alive" if keep else "close"
        try:
            writer.write(request("GET", self.path, f"Connection: {manner}"))
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if used and not error.partial:
                raise Raced from error
            raise
        except ConnectionError as error:
            if used:
                raise Raced from error
            raise
        first, *lines = head.decode("latin-1").strip().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        await reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split()[1]), headers.get("connection") != "close"


@asynccontextmanager
async def visiting(port: int, path: str, number: int) -> AsyncIterator[Visitors]:
    """Let visitors come for as long as the block lasts; every other one keeps its connection."""
    visitors = Visitors(port, path)
    tasks = [asyncio.create_task(visitors.visit(keep=bool(n % 2))) for n in range(number)]
    try:
        yield visitors
    finally:
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(end, asyncio.CancelledError), end
