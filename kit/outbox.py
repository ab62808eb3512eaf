"""Events wait in a table, written in the transaction of what they tell about."""

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import (
    LargeBinary,
    String,
    Uuid,
    insert,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Now, PrimaryKey
from kit.log import bound_request_id


class OutboxRow(Base):
    """An event on its way to a topic; rows of one key leave in the order of their ids."""

    __tablename__ = "outbox"

    id: Mapped[PrimaryKey]
    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, server_default=text("gen_random_uuid()"))
    topic: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(100))
    event_type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[Now]


async def record(
    session: AsyncSession, topic: str, key: object, event_type: str, payload: Mapping[str, Any]
) -> None:
    """Record an event; it exists if and only if the transaction commits."""
    row = {
        "topic": topic,
        "key": str(key),
        "event_type": event_type,
        "payload": orjson.dumps(payload, default=str, option=orjson.OPT_UTC_Z),
        "request_id": bound_request_id(),
    }
    await session.execute(insert(OutboxRow).values(row))
