"""What the shop's tests observe besides answers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.support.clients import Client, add_user, client_of, sign_in

Join = Callable[..., Awaitable[Client]]

BOOKKEEPING = ("SAVEPOINT", "RELEASE", "ROLLBACK")


@pytest.fixture
def statements(undone: tuple[Database, AsyncConnection]) -> Iterator[list[str]]:
    """Collect the SQL statements of this test; `clear()` the list before what is measured."""
    seen: list[str] = []

    def see(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(BOOKKEEPING):
            seen.append(statement)

    connection = undone[1].sync_connection
    event.listen(connection, "before_cursor_execute", see)
    yield seen
    event.remove(connection, "before_cursor_execute", see)


@pytest_asyncio.fixture
async def join(
    serve: Serve, busy_settings: Settings, busy_database: Database
) -> AsyncIterator[Join]:
    """Give a way to sign in new users of a house with a real pool of connections."""
    server = await serve(busy_settings, None)
    async with AsyncExitStack() as stack:

        async def signed_in(name: str, *, staff: bool = False) -> Client:
            await add_user(busy_database, name, is_staff=staff)
            client = await stack.enter_async_context(client_of(server))
            response = await sign_in(client, name)
            assert response.status == 200, await response.text()
            return client

        yield signed_in
