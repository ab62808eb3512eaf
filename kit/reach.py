"""Say in one sentence, on a command line, that PostgreSQL or Redis cannot be used."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from kit.faults import sqlstate

UNDEFINED_TABLE = "42P01"
AWAY = (
    ConnectionError,
    PermissionError,  # asyncpg looks for certificates in $HOME
    TimeoutError,
    socket.gaierror,
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)


class Unreachable(Exception):
    """PostgreSQL or Redis cannot be used; the text says which and why."""


@contextmanager
def unreachable() -> Iterator[None]:
    """Say in one sentence that a server cannot be used; for command lines.

    Raises:
        Unreachable: PostgreSQL or Redis refuses, is away, or lacks the tables.
    """
    try:
        yield
    except RedisError as error:
        raise Unreachable(f"Redis cannot be used ({error}): check REDIS_URL.") from error
    except AWAY as error:
        state = sqlstate(error) or getattr(error, "sqlstate", "")
        if state == UNDEFINED_TABLE:
            raise Unreachable("The tables are missing: run `shop-api migrate` first.") from error
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise Unreachable(
            f"PostgreSQL cannot be used ({reason}): check DATABASE_URL or POSTGRES_*."
        ) from error
