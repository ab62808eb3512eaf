"""How many connections to PostgreSQL there are, and how many of them are in use."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import metrics

IN_USE, IDLE = "in_use", "idle"
COUNTED = "counted"  # of a record that is in use: it is given back even if it was never counted

CONNECTIONS = metrics.gauge(
    "shop_api_db_pool_connections", "Connections to PostgreSQL.", state=(IN_USE, IDLE)
)
SIZE = metrics.gauge("shop_api_db_pool_size", "Connections to PostgreSQL that there may be.")


def watch(engine: AsyncEngine, size: int) -> None:
    """Keep the figures of an engine's pool; call it after whoever may refuse a connection."""
    SIZE.of().inc(size)
    pool = engine.sync_engine.pool
    event.listen(pool, "connect", _opened)
    event.listen(pool, "checkout", _taken)
    event.listen(pool, "checkin", _given_back)
    event.listen(pool, "close", _closed)
    event.listen(engine.sync_engine, "engine_disposed", lambda _: SIZE.of().dec(size))


def _opened(*_: Any) -> None:
    CONNECTIONS.of(IDLE).inc()


def _taken(_: Any, record: Any, __: Any) -> None:
    record.record_info[COUNTED] = True
    CONNECTIONS.of(IDLE).dec()
    CONNECTIONS.of(IN_USE).inc()


def _given_back(_: Any, record: Any) -> None:
    if record.record_info.pop(COUNTED, False):
        CONNECTIONS.of(IN_USE).dec()
        CONNECTIONS.of(IDLE).inc()


def _closed(*_: Any) -> None:
    CONNECTIONS.of(IDLE).dec()
