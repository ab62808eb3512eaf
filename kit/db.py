"""PostgreSQL through SQLAlchemy: one engine, two ways to use it, and names for its constraints."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from aiohttp import web
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, func
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.pool import NullPool

from kit.errors import Failure
from kit.settings import SERVICE, Settings, SettingsError

POOL_SIZE = 10
POOL_WAIT = 1.5  # seconds
ANSWER_LIMIT = 2.5  # seconds; closing a connection to a frozen server costs two more
CONNECT_LIMIT = 2.0  # seconds

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


def driver_url(settings: Settings) -> URL:
    """Return the database's address with the driver named.

    Raises:
        SettingsError: it is not the address of a PostgreSQL database.
    """
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is not an address: use postgresql://user:password@host:port/name."
        ) from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(
            "DATABASE_URL must be a PostgreSQL address: postgresql://user:password@host:port/name."
        )
    return url.set(drivername="postgresql+asyncpg")


def lone_engine(settings: Settings, **options: Any) -> AsyncEngine:
    """Make an engine without a pool and without limits, for work that is done once."""
    return create_async_engine(
        driver_url(settings),
        poolclass=NullPool,
        connect_args={"timeout": CONNECT_LIMIT},
        **options,
    )


def create_engine(settings: Settings) -> AsyncEngine:
    """Make the engine; every connection carries its own limits."""
    return create_async_engine(
        driver_url(settings),
        pool_size=POOL_SIZE,
        max_overflow=0,
        hide_parameters=True,  # they hold e-mail addresses and hashes; errors are logged
        pool_timeout=POOL_WAIT,
        connect_args={
            "timeout": CONNECT_LIMIT,
            "command_timeout": ANSWER_LIMIT,
            "server_settings": {
                "application_name": SERVICE,
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": "5s",
                "lock_timeout": "2s",
                "idle_in_transaction_session_timeout": "10s",
            },
        },
    )


def database(engine: AsyncEngine) -> Database:
    """Build the two ways to use one engine; they share its pool."""
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    return Database(
        reads=async_sessionmaker(autocommit, **SESSION_OPTIONS),
        writes=async_sessionmaker(engine, **SESSION_OPTIONS),
    )


async def engine_context(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Keep the engine while the application runs."""
    engine = create_engine(settings)
    app[DATABASE] = database(engine)
    yield
    await engine.dispose()


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
