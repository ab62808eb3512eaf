"""Say in one sentence, on a command line, why PostgreSQL or Redis cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from kit.faults import is_no_way, sqlstate

OUTDATED = {"42P01", "42703"}  # undefined table, undefined column
CAUSES = (
    OSError,
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    RedisError,
)


class Unreachable(Exception):
    """PostgreSQL or Redis cannot be used; the text says which, why, and what to do."""


@contextmanager
def unreachable() -> Iterator[None]:
    """Turn what the servers and the way to them refuse into one sentence.

    Raises:
        Unreachable: a server is away, refuses us, or lacks the tables.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads our output any more
        raise
    except CAUSES as error:
        if not is_outage(error):
            raise
        raise Unreachable(_sentence(error)) from error


def is_outage(error: Exception) -> bool:
    """Tell whether one of the causes is what the servers or the way to them refuse."""
    if isinstance(error, OSError):  # asyncpg looks for certificates in $HOME
        return is_no_way(error) or isinstance(error, PermissionError)
    return True


def _sentence(error: Exception) -> str:
    reason = str(getattr(error, "orig", None) or error).partition("\n")[0] or type(error).__name__
    if isinstance(error, RedisError):
        return f"Redis cannot be used ({reason}): start it, or correct REDIS_URL."
    if sqlstate(error) in OUTDATED:
        return "The database lacks some tables: run `shop-api migrate` first."
    return f"PostgreSQL cannot be used ({reason}): start it, or correct DATABASE_URL."
