"""Handlers for tests: each effect is a row in a table, failures come when they are told to."""

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import orjson
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.consumer import Consumer, Event
from kit.db import Database
from kit.log import logger
from kit.settings import Settings
from kit.topics import Topics
from tests.kit.events import PATIENCE, TYPE, own_name, until
from tests.support.shops import rows, run, value

EFFECTS = "CREATE TABLE effects (id int GENERATED ALWAYS AS IDENTITY, key text, number int)"


class BadLuck(Exception):
    """The handler does not manage."""


@dataclass
class Ear:
    """Hear one topic in one group, and note what was heard in a table."""

    settings: Settings
    database: Database
    topic: str = field(default_factory=own_name)
    group: str = field(default_factory=own_name)
    failing: Collection[int] = ()
    tries: Counter[int] = field(default_factory=Counter)

    async def prepare(self) -> "Ear":
        """Create the table."""
        await run(self.database, EFFECTS)
        return self

    def consumer(self, database: Database | None = None) -> Consumer:
        """Build a consumer of the group."""
        handlers = {(self.topic, TYPE): self.handle}
        topics = Topics(self.settings, [])
        return Consumer(self.settings, database or self.database, topics, self.group, handlers)

    async def handle(self, session: AsyncSession, event: Event) -> None:
        """Have an effect, then fail when that is wanted."""
        number = event.payload["number"]
        self.tries[number] += 1
        logger.info("heard", number=number)
        insert = text("INSERT INTO effects (key, number) VALUES (:key, :number)")
        await session.execute(insert, {"key": event.key, "number": number})
        if number in self.failing:
            raise BadLuck(str(number))

    async def effects(self, key: str | None = None) -> list[int]:
        """Return the numbers of the events that had an effect, in the order of the effects."""
        found = await rows(self.database, "SELECT key, number FROM effects ORDER BY id")
        return [row["number"] for row in found if key in (None, row["key"])]

    async def has(self, *numbers: int, seconds: float = PATIENCE) -> float:
        """Wait until these events had their effects; return how many seconds that took."""

        async def are_there() -> bool:
            return set(numbers) <= set(await self.effects())

        return await until(are_there, seconds)

    async def parked(self) -> list[int]:
        """Return how many tries each parked event has used up."""
        query = "SELECT attempts FROM inbox WHERE dead_at IS NOT NULL ORDER BY id"
        return [row["attempts"] for row in await rows(self.database, query)]

    async def waiting(self) -> int:
        """Count the events that are to be tried again."""
        query = "SELECT count(*) FROM inbox WHERE dead_at IS NULL AND handled_at IS NULL"
        return int(await value(self.database, query))


def headers_of(event_id: uuid.UUID | None = None, **more: str) -> list[tuple[str, bytes]]:
    """Return the headers of an event."""
    named = {"event_id": str(event_id or uuid.uuid4()), "event_type": TYPE, **more}
    return [(name, text.encode()) for name, text in named.items()]


async def publish(
    producer: AIOKafkaProducer,
    topic: str,
    key: str,
    number: int,
    event_id: uuid.UUID | None = None,
    partition: int | None = None,
    **more: str,
) -> None:
    """Publish an event as a relay would."""
    told = orjson.dumps({"number": number})
    headers = headers_of(event_id, **more)
    await producer.send_and_wait(
        topic, told, key=key.encode(), partition=partition, headers=headers
    )
