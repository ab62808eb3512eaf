"""People: `demo`, `admin` and whoever else is asked for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from seed.factories import REFERENCE, Row
from seed.source import Batch, Domain, Source, moments

COLUMNS = [
    *["id", "username", "email", "password_hash", "first_name", "second_name"],
    *["birthday", "is_staff", "created_at", "updated_at"],
]
KNOWN: list[dict[str, Any]] = [
    {"username": "demo", "email": "demo@example.com", "is_staff": False},
    {"username": "admin", "email": "admin@example.com", "is_staff": True},
]


def _batches(source: Source) -> Iterator[Batch]:
    count = max(source.plan.users, len(KNOWN))
    yield Batch("users", COLUMNS, _users(source, count), count)


def _users(source: Source, count: int) -> Iterator[Row]:
    factory, year = source.factory, timedelta(days=365)
    joined = moments(factory.random("joined"), REFERENCE - 3 * year, REFERENCE - year, count)
    for number, moment in enumerate(joined):
        known = KNOWN[number] if number < len(KNOWN) else {}
        yield factory.user(
            id=number + 1, password_hash=source.password_hash, created_at=moment, **known
        )


DOMAIN = Domain(["users"], _batches)
