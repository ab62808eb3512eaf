"""Writers whose events can be told apart, a reader outside our code, and where they disagree."""

import asyncio
import random
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from kit import outbox
from kit.db import Database

KEYS = 50
WRITERS = 8


class ChangedMind(Exception):
    """The writer does not want its transaction."""


@dataclass
class Traffic:
    """Remember what was committed and what was taken back: (key, number) of each event."""

    topic: str = field(default_factory=lambda: f"chaos-{uuid.uuid4().hex[:12]}")
    committed: set[tuple[int, int]] = field(default_factory=set)
    taken_back: int = 0

    def __post_init__(self) -> None:
        self._next: Counter[int] = Counter()
        self._turn: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def write(self, database: Database, *, per_second: float, seconds: float) -> None:
        """Write events at a rate, one in five of them in a transaction that is rolled back."""
        count = int(per_second * seconds)
        started = time.monotonic()

        async def writer(first: int) -> None:
            for number in range(first, count, WRITERS):
                await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
                await self._one(database, random.randrange(KEYS))

        await asyncio.gather(*(writer(first) for first in range(WRITERS)))

    async def _one(self, database: Database, key: int) -> None:
        """Commit or take back one event; numbers of a key follow the order of its commits."""
        async with self._turn[key]:
            number = self._next[key]
            with suppress(ChangedMind):
                async with database.writing() as session:
                    payload = {"key": key, "number": number}
                    await outbox.record(session, self.topic, key, "chaos.written", payload)
                    if random.random() < 0.2:
                        self.taken_back += 1
                        raise ChangedMind
                self.committed.add((key, number))
                self._next[key] += 1


@dataclass
class Figures:
    """Say how what was read differs from what was committed."""

    sent: int
    received: int
    lost: int
    phantoms: int
    inversions: int
    duplicates: int
    ids_of_duplicates_differ: int
    lag_p99: float  # seconds from the event's own time to its arrival at the reader
    lag_max: float

    @property
    def faults(self) -> int:
        """Count what must never happen."""
        return self.lost + self.phantoms + self.inversions + self.ids_of_duplicates_differ


class Reader:
    """Read a topic with a plain consumer and note when each message came."""

    def __init__(self, consumer: "AIOKafkaConsumer") -> None:
        self._consumer = consumer
        self.messages: list[tuple[float, ConsumerRecord[bytes, bytes]]] = []

    async def read(self) -> None:
        """Read until cancelled."""
        while True:
            found = await self._consumer.getmany(timeout_ms=100)
            now = time.time()
            self.messages += [(now, record) for records in found.values() for record in records]

    def figures(self, committed: set[tuple[int, int]]) -> Figures:
        """Compare; a second copy is a duplicate, a first copy after a younger one an inversion."""
        seen: dict[tuple[int, int], str] = {}
        last: dict[int, int] = {}
        inversions = duplicates = differ = 0
        lags: list[float] = []
        for came, record in self.messages:
            told = orjson.loads(record.value)
            place, event_id = (told["key"], told["number"]), dict(record.headers)["event_id"]
            if place in seen:
                duplicates += 1
                differ += seen[place] != event_id
                continue
            seen[place] = event_id
            inversions += last.get(place[0], -1) > place[1]
            last[place[0]] = place[1]
            lags.append(came - record.timestamp / 1000)
        lags.sort()
        return Figures(
            sent=len(committed),
            received=len(self.messages),
            lost=len(committed - seen.keys()),
            phantoms=len(seen.keys() - committed),
            inversions=inversions,
            duplicates=duplicates,
            ids_of_duplicates_differ=differ,
            lag_p99=_at(lags, 0.99),
            lag_max=_at(lags, 1.0),
        )


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else 0.0


@asynccontextmanager
async def reading(servers: str, topic: str) -> AsyncIterator[Reader]:
    """Read a topic from its beginning for as long as the block lasts."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, auto_offset_reset="earliest", metadata_max_age_ms=1000
    )
    await consumer.start()
    reader = Reader(consumer)
    task = asyncio.create_task(reader.read())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])
        await consumer.stop()
