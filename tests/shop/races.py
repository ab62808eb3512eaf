"""A race over stock: contenders at once, and the verdict by SQL."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kit.db import Database
from kit.engine import POOL_SIZE
from kit.errors import Failure
from kit.faults import sqlstate
from shop.service import orders
from tests.support.shops import add_offers, lines, rows, value

ROUNDS = int(os.environ.get("RACE_ROUNDS", "1"))
PLACED = "placed"

Attempt = Callable[[], Awaitable[str]]

BOOKS = """
SELECT offers.id, offers.available,
    coalesce(sum(order_items.quantity) FILTER (WHERE orders.status <> 'cancelled'), 0)::int AS sold
FROM offers
LEFT JOIN order_items ON order_items.offer_id = offers.id
LEFT JOIN orders ON orders.id = order_items.order_id
WHERE offers.id = ANY (:ids)
GROUP BY offers.id ORDER BY offers.id
"""


@dataclass
class Race:
    """Let contenders run for the same few offers, and audit what they left behind."""

    database: Database
    user_id: int
    start: dict[int, int]
    restocked: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    @classmethod
    async def over(cls, database: Database, user_id: int, offers: int, copies: int) -> "Race":
        """Put new offers of so many copies each on sale."""
        made = await add_offers(database, offers, available=copies)
        return cls(database, user_id, dict.fromkeys(made, copies))

    @property
    def offer_ids(self) -> list[int]:
        return list(self.start)

    def buyer(self, *wanted: tuple[int, int], cancels: bool = False) -> Attempt:
        """Return an attempt to order these lines, and perhaps to cancel the order again."""

        async def attempt() -> str:
            async with self.database.writing() as session:
                items = lines(*wanted)["items"]
                order = await orders.place_order(session, self.user_id, items)
            if not cancels:
                return PLACED
            async with self.database.writing() as session:
                await orders.cancel_order(session, self.user_id, order["id"])
            return "cancelled"

        return attempt

    def restocker(self, offer_id: int, copies: int) -> Attempt:
        """Return a delivery of copies from outside of the service."""
        statement = text("UPDATE offers SET available = available + :n WHERE id = :id")

        async def attempt() -> str:
            async with self.database.writing() as session:
                await session.execute(statement, {"n": copies, "id": offer_id})
            self.restocked[offer_id] += copies
            return "restocked"

        return attempt

    async def run(self, attempts: Iterable[Attempt]) -> None:
        """Run all attempts at once, as many at a time as there are connections."""
        gate = asyncio.Semaphore(POOL_SIZE)

        async def guarded(attempt: Attempt) -> str:
            async with gate:
                try:
                    return await attempt()
                except Failure as failure:
                    return failure.code
                except DBAPIError as error:
                    return sqlstate(error)

        self.outcomes.update(await asyncio.gather(*map(guarded, attempts)))

    async def losses(self, sold: Mapping[int, int] | None = None) -> list[str]:
        """Say what PostgreSQL's books do not bear out; `sold`: offer id -> copies demanded."""
        known = {PLACED, "cancelled", "restocked", "out-of-stock"}
        found = [f"{n} x {code}" for code, n in self.outcomes.items() if code not in known]
        for row in await rows(self.database, BOOKS, ids=self.offer_ids):
            supply = self.start[row["id"]] + self.restocked[row["id"]]
            if row["available"] < 0:
                found.append(f"negative stock: {row}")
            if row["sold"] > supply:
                found.append(f"oversold: {row}, of {supply}")
            if row["sold"] + row["available"] != supply:
                found.append(f"sold and stock differ from the supply: {row}, of {supply}")
            if sold is not None and row["sold"] != min(supply, sold[row["id"]]):
                found.append(f"not sold what could be: {row}, of {sold[row['id']]}")
        return found


async def until_one_waits(database: Database) -> None:
    """Return when a transaction waits for another one's lock.

    Raises:
        TimeoutError: after two seconds none does.
    """
    query = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    for _ in range(200):
        if await value(database, query):
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("no transaction waits")
