"""How much waits in the outbox, as Prometheus is told it: counted once a second at the most."""

import asyncio
import time
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import RowMapping, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from kit.db import Database
from kit.log import logger
from kit.outbox import WAITS, OutboxRow

KEPT = 1.0  # seconds in which everybody gets the same answer, so that nobody can make it costly
LIMIT = 1.5  # seconds; whoever asks wants the other figures, too
MOST_COUNTED = 100_000  # events

FIGURES = {
    "waiting": "Events that wait to be sent to Kafka, counted up to 100000.",
    "lag_seconds": "Age of the oldest event that waits, 0 when none does.",
    "parked": "Events that could not be sent and wait for a person, counted up to 100000.",
}


def _statement() -> Select[*tuple[int, float, int]]:
    """Ask for all figures at once; each is found by an index that holds little else."""
    waiting = select(OutboxRow.id).where(*WAITS).limit(MOST_COUNTED).subquery()
    parked = select(OutboxRow.id).where(OutboxRow.dead_at.is_not(None)).limit(MOST_COUNTED)
    age = func.extract("epoch", func.clock_timestamp() - OutboxRow.created_at)
    oldest = select(age).where(*WAITS).order_by(OutboxRow.id).limit(1).scalar_subquery()
    return select(
        select(func.count()).select_from(waiting).scalar_subquery().label("waiting"),
        func.greatest(func.coalesce(oldest, 0), 0).label("lag_seconds"),
        select(func.count()).select_from(parked.subquery()).scalar_subquery().label("parked"),
    )


class Backlog:
    """Count what waits for all who ask within a second, one of them at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._until = 0.0
        self._found: RowMapping | None = None
        self._lock = asyncio.Lock()

    async def metrics(self) -> list[Metric]:
        """Return the figures, and whether there are any: without PostgreSQL there are none."""
        async with self._lock:
            if self._until < time.monotonic():
                self._found = await self._look()
                self._until = time.monotonic() + KEPT
        return list(_told(self._found))

    async def _look(self) -> RowMapping | None:
        asking = asyncio.ensure_future(self._ask())
        try:
            done, _ = await asyncio.wait([asking], timeout=LIMIT)
            if done:
                return asking.result()
            cause = "TimeoutError"
        except (SQLAlchemyError, OSError) as error:
            cause = type(error).__name__
        finally:
            asking.cancel()  # and nobody waits until a frozen server lets it go
        logger.warning("outbox not counted", cause=cause)
        return None

    async def _ask(self) -> RowMapping:
        async with self._database.reading() as session:
            return (await session.execute(_statement())).mappings().one()


def _told(found: RowMapping | None) -> Iterator[Metric]:
    is_up = float(found is not None)
    yield GaugeMetricFamily("shop_api_outbox_up", "1 when the outbox could be counted.", is_up)
    if found is not None:
        for name, text in FIGURES.items():
            yield GaugeMetricFamily(f"shop_api_outbox_{name}", text, float(found[name]))
