"""A server that stops says so, and lets what is arriving arrive."""

import asyncio

import orjson
from aiohttp import ClientSession, web

import monolith
from kit.db import Database
from kit.server import Runner, listen
from kit.settings import Settings
from tests.kit.doors import request
from tests.support.clients import API

BODY = b'{"login": "nobody", "password": "skytrack"}'
BOUND = 5.0  # seconds


class TestDraining:
    async def test_answers_a_body_that_was_under_way(
        self, settings: Settings, house_database: Database
    ) -> None:
        runner = Runner(monolith.create_app(settings, database=house_database), drain=0.5)
        await runner.setup()
        listening = listen("127.0.0.1", 0)
        await web.SockSite(runner, listening).start()
        port = listening.getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        length = f"Content-Length: {len(BODY)}"
        head = request("POST", f"{API}/auth/login", "Content-Type: application/json", length)
        writer.write(head + BODY[:10])
        stopping = asyncio.create_task(runner.cleanup())
        async with (
            ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/readyz") as ready,
        ):
            assert (ready.status, orjson.loads(await ready.read())["status"]) == (503, "draining")
        writer.write(BODY[10:])
        async with asyncio.timeout(BOUND):
            assert b"401" in await reader.readline()
            await stopping
        writer.close()
