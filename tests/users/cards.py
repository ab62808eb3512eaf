"""What the tests of cached cards share: people who read and write, counts of SQL and of Redis."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio.connection import AbstractConnection
from sqlalchemy import event

from kit.cache import Cache
from kit.db import DATABASE
from tests.support.clients import Client
from tests.users.conftest import House
from tests.users.forms import ME, USERS, me
from users.entities import cache_name


@dataclass(frozen=True)
class People:
    """A writer on the first worker, and one who reads his card on each worker."""

    writer: Client
    readers: Sequence[Client]
    user_id: int

    @property
    def address(self) -> str:
        """Return where the card is shown."""
        return f"{USERS}/{self.user_id}"

    @property
    def key(self) -> str:
        """Return where the card is cached."""
        return Cache.key(cache_name(self.user_id))

    async def read(self) -> list[str]:
        """Return the first name that each worker shows, one after another."""
        return [await first_name(reader, self.address) for reader in self.readers]


async def gather_people(house: House) -> People:
    """Sign in Alice, who writes, and Bob, who reads."""
    await house.add("alice", "bob")
    writer = await house.enter("alice")
    readers = [await house.enter("bob", worker) for worker in (0, 1)]
    return People(writer, readers, (await me(writer))["id"])


async def first_name(client: Client, address: str) -> str:
    """Return the first name on a card."""
    response = await client.get(address)
    assert response.status == 200, await response.text()
    return str((await response.json())["first_name"])


async def rename(client: Client, name: str) -> None:
    """Change the own first name."""
    response = await client.patch(ME, json={"first_name": name})
    assert response.status == 200, await response.text()


@contextmanager
def statements(server: TestServer) -> Iterator[list[str]]:
    """Note each SQL statement that a worker sends while the block lasts."""
    engine = server.app[DATABASE].writes.kw["bind"].sync_engine
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def round_trips() -> Iterator[list[bytes]]:
    """Note each packet that goes to Redis while the block lasts, from whomever."""
    found: list[bytes] = []
    genuine = AbstractConnection.send_packed_command

    async def note(
        connection: AbstractConnection, command: Any, *args: Any, **kwargs: Any
    ) -> None:
        found.append(command if isinstance(command, bytes) else b"".join(command))
        await genuine(connection, command, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", note)
        yield found
