"""What the domains of the seed share: their shape, and what they make their rows from."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from random import Random
from typing import Any

from seed.factories import Factory, Row
from seed.plan import Plan


@dataclass(frozen=True, slots=True)
class Source:
    """Give a domain what it makes its rows from."""

    plan: Plan
    factory: Factory
    password_hash: str
    user_ids: Sequence[int]  # who can act; empty while the users themselves are made


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold the rows of one table, made while they are sent; `total` is None when unknown."""

    table: str
    columns: Sequence[str]
    rows: Iterable[Row]
    total: int | None

    def records(self) -> Iterator[tuple[Any, ...]]:
        """Make the rows as COPY wants them."""
        return map(itemgetter(*self.columns), self.rows)


@dataclass(frozen=True, slots=True)
class Domain:
    """Name the tables of a domain, parents first, and say how to fill them when all are empty."""

    tables: Sequence[str]
    batches: Callable[[Source], Iterator[Batch]]


def moments(random: Random, start: datetime, end: datetime, count: int) -> Iterator[datetime]:
    """Make ascending moments between two, about evenly spread."""
    step = (end - start) / max(count, 1)
    for number in range(count):
        yield start + step * (number + random.random())
