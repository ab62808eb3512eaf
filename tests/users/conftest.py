"""Two workers on the same servers, for the tests that race."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio
from aiohttp.test_utils import TestServer

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.support.clients import Client, add_user, client_of, sign_in


@dataclass
class House:
    """Two instances of the application over one database of their own and one Valkey."""

    workers: tuple[TestServer, TestServer]
    database: Database
    made: list[Client] = field(default_factory=list)

    def visit(self, worker: int = 0) -> Client:
        """Make a client of one worker."""
        self.made.append(client_of(self.workers[worker]))
        return self.made[-1]

    async def enter(self, login: str, worker: int = 0) -> Client:
        """Make a client that is signed in."""
        client = self.visit(worker)
        response = await sign_in(client, login)
        assert response.status == 200, await response.text()
        return client

    async def add(self, *names: str) -> None:
        """Add users."""
        for name in names:
            await add_user(self.database, name)


@pytest_asyncio.fixture
async def house(
    busy_settings: Settings, busy_database: Database, serve: Serve
) -> AsyncIterator[House]:
    """Serve two workers."""
    workers = await serve(busy_settings, None), await serve(busy_settings, None)
    opened = House(workers, busy_database)
    yield opened
    for client in opened.made:
        await client.close()
