"""Read messages from Kafka, whoever sent them."""

import uuid
from typing import Any

from aiokafka import ConsumerRecord

from kit import tracing
from kit.log import REQUEST_ID

LONGEST_NAME = 100  # characters of a key, a type, an id


def facts(record: ConsumerRecord[Any, Any]) -> dict[str, Any]:
    """Return the columns of the inbox that a message fills."""
    headers = {name: _text(value, LONGEST_NAME) for name, value in record.headers}
    request_id = headers.get("request_id", "")
    try:
        event_id = uuid.UUID(headers.get("event_id", ""))
    except ValueError:  # a foreign publisher; the place of a message never changes
        place = f"{record.topic}/{record.partition}/{record.offset}"
        event_id = uuid.uuid5(uuid.NAMESPACE_URL, place)
    return {
        "event_id": event_id,
        "topic": record.topic,
        "key": _text(record.key, LONGEST_NAME),
        "event_type": headers.get("event_type", ""),
        "payload": record.value or b"",
        "request_id": request_id if REQUEST_ID.fullmatch(request_id) else None,
        "traceparent": tracing.parent_of(headers.get(tracing.PARENT, "")),
    }


def _text(value: bytes | None, most: int) -> str:
    """Read what a stranger may have sent as text that PostgreSQL can store."""
    return (value or b"").decode(errors="replace").replace("\x00", "\ufffd")[:most]
