"""PostgreSQL through SQLAlchemy: one engine, two ways to use it, and names for its constraints."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from aiohttp import web
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column

from kit.errors import Failure

# rows are read as columns, so there are no objects in a session that could be kept in step
SESSION_OPTIONS: dict[str, Any] = {
    "expire_on_commit": False,
    "autoflush": False,
    "execution_options": {"synchronize_session": False},
}

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Map classes to tables whose constraints are named by one convention."""

    metadata = MetaData(naming_convention=CONVENTION)
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


LARGEST_ID = 2**63 - 1
PrimaryKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Now = Annotated[datetime, mapped_column(server_default=func.now())]


@dataclass(frozen=True, slots=True)
class Database:
    """Open sessions: reads without a transaction, writes in one."""

    reads: async_sessionmaker[AsyncSession]
    writes: async_sessionmaker[AsyncSession]

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session that sends each statement on its own (AUTOCOMMIT)."""
        return self.reads()

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that commits when the block is left, or rolls back on an error."""
        return self.writes.begin()


DATABASE = web.AppKey("DATABASE", Database)


def database(engine: AsyncEngine) -> Database:
    """Build the two ways to use one engine; they share its pool."""
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    return Database(
        reads=async_sessionmaker(autocommit, **SESSION_OPTIONS),
        writes=async_sessionmaker(engine, **SESSION_OPTIONS),
    )


@contextmanager
def violations(nouns: Mapping[str, type[Failure]]) -> Iterator[None]:
    """Raise the noun that belongs to the constraint which a statement in the block violates.

    nouns: name of the constraint or unique index -> failure.
    """
    try:
        yield
    except IntegrityError as error:
        name = str(getattr(getattr(error.orig, "__cause__", None), "constraint_name", None))
        if name not in nouns:
            raise
        raise nouns[name]() from error


def contains(text: str) -> str:
    """Return the LIKE pattern that finds `text` anywhere, its wildcards as plain characters."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def locked(wanted: Select[*tuple[Any, ...]], most: int) -> Select[*tuple[Any, ...]]:
    """Lock the first rows that nobody else is at, for an `IN` of the statement that changes them.

    The CTE is needed: a plan may run a subquery once for each row, and lock others each time.
    """
    found = wanted.limit(most).with_for_update(skip_locked=True).cte("locked")
    return select(found.prefix_with("MATERIALIZED"))
