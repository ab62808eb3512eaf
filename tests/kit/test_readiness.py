"""`/readyz` follows PostgreSQL: gone, frozen, back again."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestServer

import monolith
from kit.settings import Settings
from tests.kit.events import until
from tests.kit.gates import Gate, gated_database
from tests.support.clients import Client, client_of

NOTICED = 2.0  # seconds, by the promise


@asynccontextmanager
async def behind_a_gate(settings: Settings) -> AsyncIterator[tuple[Client, Gate]]:
    """Visit a house whose way to PostgreSQL can be cut; the house ends before the gate does."""
    async with gated_database(settings) as (through, gate):
        server = TestServer(monolith.create_app(through), access_log=None)
        await server.start_server()
        client = client_of(server)
        try:
            yield client, gate
        finally:
            await client.close()
            await server.close()


async def is_at(client: Client, status: int) -> bool:
    """Tell whether the probe answers with a status."""
    async with client.get("/readyz") as response:
        return response.status == status


class TestReadiness:
    @pytest.mark.parametrize("freezes", [False, True])
    async def test_ends_soon_after_postgresql_is_lost(
        self, settings: Settings, freezes: bool
    ) -> None:
        async with behind_a_gate(settings) as (client, gate):
            assert await is_at(client, 200)
            started = time.monotonic()
            if freezes:
                gate.freeze()
            else:
                await gate.shut()
            await until(lambda: is_at(client, 503), NOTICED)
            assert time.monotonic() - started <= NOTICED
            async with client.get("/livez") as alive:
                assert alive.status == 200

    async def test_comes_back_with_postgresql(self, settings: Settings) -> None:
        async with behind_a_gate(settings) as (client, gate):
            await gate.shut()
            assert await is_at(client, 503)
            await gate.open()
            await until(lambda: is_at(client, 200))
