"""What the tests of events about users share: a worker of their own, and ids that nobody else has.

All tests of a run use one broker, so a worker also hears of users of other tests. They are
strangers to its database as long as no two tests give out the same ids.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import monolith
from kit.db import Database
from kit.settings import Settings
from kit.worker import working
from tests.kit.events import PATIENCE, until
from tests.support.clients import Client
from tests.support.shops import rows, run, value
from tests.users.forms import USERS, sign_up_form

Row = dict[str, Any]


async def take_own_ids(database: Database) -> None:
    """Let the ids of users begin at a number that no other test has."""
    first = uuid.uuid4().int % 10**15
    await run(database, f"ALTER TABLE users ALTER COLUMN id RESTART WITH {first}")


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[None]:
    """Let a worker of the house work while the block lasts."""
    async with working(settings, monolith.TOPICS, monolith.create_handlers) as broken:
        yield
        assert not broken.is_set()


async def sign_up(client: Client, request_id: str | None = None, **changes: Any) -> Row:
    """Register somebody; return the own user."""
    headers = {"X-Request-ID": request_id} if request_id else {}
    response = await client.post(USERS, json=sign_up_form(**changes), headers=headers)
    assert response.status == 201, await response.text()
    document: Row = await response.json()
    return document


async def recorded(database: Database) -> list[Row]:
    """Return the events about users, in the order in which they were recorded."""
    return await rows(database, "SELECT * FROM outbox WHERE topic = 'users' ORDER BY id")


async def handled(database: Database, event_id: uuid.UUID, seconds: float = PATIENCE) -> None:
    """Wait until a worker has handled an event."""
    query = "SELECT count(*) FROM inbox WHERE event_id = :id AND handled_at IS NOT NULL"
    await until(lambda: value(database, query, id=event_id), seconds)


async def all_handled(database: Database) -> None:
    """Wait until a worker has handled every event about users that was recorded."""
    for event in await recorded(database):
        await handled(database, event["event_id"])
