"""Two workers that are told to stop say so first, answer what they hold, and end well."""

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path

from redis import asyncio as aioredis

from kit.db import Database
from kit.server import DRAIN, GRACE
from kit.settings import Settings
from tests.kit.doors import request
from tests.kit.events import until
from tests.support.clients import API
from tests.support.houses import House, house
from tests.support.processes import PATIENCE
from tests.support.shops import value

APPLICATION = b'{"user_name": "Ann", "description": "A visit"}'
NO_APPLICATION = b'{"user_name": "Ann", "description": ""}'
TAKEN, REFUSED = 10, 40  # no more than there are connections to the database, in one worker
ENDS_WITHIN = DRAIN * 1.5 + GRACE  # seconds

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]


async def begin(port: int, body: bytes) -> Connection:
    """Send a request without its body, and wait until its handler asks for that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    writer.write(request("POST", f"{API}/applications", *lines, "Expect: 100-continue"))
    assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer, body


async def finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    """Send the body; return the status of the answer, after which the connection ends."""
    writer.write(body)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.read()
    writer.close()
    return int(head.split()[1])


async def probe(port: int, path: str) -> int | None:
    """Return the status of a probe over a new connection; None when nobody accepts it.

    The kernel resets what nobody had accepted when the last process closed the socket, and who
    was too slow to ask meets a closed door.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request("GET", path))
            head = await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    status = int(head.split()[1])
    assert (b"\r\nconnection: close\r\n" in head.lower()) is (status == 503)
    return status


async def ended(served: House) -> float:
    """Wait until the master is gone; return how many seconds that took."""

    async def is_gone() -> bool:
        return served.command.ended

    return await until(is_gone, PATIENCE)


class TestStopping:
    async def test_answers_fifty_requests_under_way(
        self,
        busy_settings: Settings,
        busy_database: Database,
        redis: aioredis.Redis,
        tmp_path: Path,
    ) -> None:
        bodies = [APPLICATION] * TAKEN + [NO_APPLICATION] * REFUSED
        async with house(busy_settings, tmp_path, 2, RATE_LIMITER_CALLS="1000") as served:
            held = await asyncio.gather(*(begin(served.port, body) for body in bodies))
            os.kill(served.master, signal.SIGTERM)
            statuses = await asyncio.gather(*(finish(*connection) for connection in held))
            assert Counter(statuses) == {201: TAKEN, 422: REFUSED}
            assert await ended(served) <= ENDS_WITHIN
        assert await value(busy_database, "SELECT count(*) FROM applications") == TAKEN

    async def test_says_so_before_it_refuses_anybody(
        self, busy_settings: Settings, redis: aioredis.Redis, tmp_path: Path
    ) -> None:
        async with house(busy_settings, tmp_path, 2) as served:
            assert await probe(served.port, "/readyz") == 200
            os.kill(served.master, signal.SIGTERM)
            told: list[int | None] = []
            started = time.monotonic()
            while None not in told and time.monotonic() - started < PATIENCE:
                told.append(await probe(served.port, "/readyz"))
        assert told[-1] is None
        assert 503 in told
        assert set(told[told.index(503) :]) == {503, None}
        assert time.monotonic() - started >= DRAIN
