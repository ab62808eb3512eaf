"""Writers that race, a consumer outside of our code, and an audit of the two."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from sqlalchemy import text

from kit.db import Database
from tests.kit.events import PATIENCE, Committed, record
from tests.support.shops import run

WRITERS = 8
WITNESS = """
INSERT INTO witness (key, turn) VALUES (:key, 1)
ON CONFLICT (key) DO UPDATE SET turn = witness.turn + 1 RETURNING turn
"""

Message: TypeAlias = ConsumerRecord[bytes, bytes]


class ChangedMind(Exception):
    """The writer does not want its transaction."""


@dataclass
class Writers:
    """Commit and take back events from several transactions at once."""

    database: Database
    topic: str
    _turns: defaultdict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    async def write(self, count: int, keys: int = 50) -> Committed:
        """Write events; one of eleven is taken back."""
        await run(self.database, "CREATE TABLE witness (key text PRIMARY KEY, turn int)")

        async def writer(first: int) -> None:
            for number in range(first, count, WRITERS):
                with suppress(ChangedMind):
                    await self._one(str(number * 7 % keys), number)

        await asyncio.gather(*map(writer, range(WRITERS)))
        return {key: [turns[turn] for turn in sorted(turns)] for key, turns in self._turns.items()}

    async def _one(self, key: str, number: int) -> None:
        """Record, then let the lock of a row bear witness to the order of the commits."""
        async with self.database.writing() as session:
            await record(session, self.topic, key, number)
            turn = (await session.execute(text(WITNESS), {"key": key})).scalar_one()
            if number % 11 == 5:
                raise ChangedMind
        self._turns[key][turn] = number


@dataclass(frozen=True)
class Figures:
    """Say how what was heard differs from what was committed."""

    sent: int
    received: int
    lost: int = 0
    phantoms: int = 0
    inversions: int = 0
    duplicates: int = 0


def number_of(message: Message) -> int:
    """Return the number of an event."""
    return int(orjson.loads(message.value or b"null")["number"])


def audit(committed: Committed, heard: Sequence[Message]) -> Figures:
    """Compare; an inversion is a first copy that comes after one of a younger event of its key."""
    places = {
        number: (key, place)
        for key, numbers in committed.items()
        for place, number in enumerate(numbers)
    }
    seen: set[int] = set()
    last: dict[str, int] = {}
    inversions = 0
    for number in map(number_of, heard):
        if number in places and number not in seen:
            key, place = places[number]
            inversions += place < last.get(key, -1)
            last[key] = place
        seen.add(number)
    return Figures(
        sent=len(places),
        received=len(heard),
        lost=len(places.keys() - seen),
        phantoms=len(seen - places.keys()),
        inversions=inversions,
        duplicates=len(heard) - len(seen),
    )


async def everything(servers: str, topic: str) -> list[Message]:
    """Read a topic from its beginning to its present end."""
    reader = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, auto_offset_reset="earliest", fetch_max_wait_ms=20
    )
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        try:
            await reader.start()
            ends = await reader.end_offsets(reader.assignment())
            for partition, end in ends.items():
                while await reader.position(partition) < end:
                    found += await _some(reader)
        finally:
            await reader.stop()
    return found


async def _some(reader: AIOKafkaConsumer) -> list[Message]:
    groups = await reader.getmany(timeout_ms=100)
    return [message for messages in groups.values() for message in messages]
