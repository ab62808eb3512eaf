"""What a log line must not quote: PostgreSQL and its driver put values into what they complain."""

import re
from types import NoneType
from typing import Any

import structlog

# rows, keys and parameters end a message; within a representation the line break is escaped
ENDINGS = re.compile(r"(?:\n|\\n)(?:DETAIL:|CONTEXT:|\[parameters:).*", re.DOTALL)
VALUES = re.compile(
    r"(invalid input (?:for query argument \$\d+|syntax for type [\w ]+|value for enum \w+)"
    r"|field value out of range): .*?(?=\n|\\n|$)"
)
QUOTED = re.compile(r'(?<=\bvalue )"[^"]*"')

_frames = structlog.tracebacks.ExceptionDictTransformer(
    show_locals=False  # they hold what users typed
)


def without_values(text: str) -> str:
    """Return a message without the values that it quotes."""
    return QUOTED.sub('"..."', VALUES.sub(r"\1", ENDINGS.sub("", text)))


def told(exc_info: structlog.typing.ExcInfo) -> list[dict[str, Any]]:
    """Tell an exception without the values that it quotes."""
    return _discreet(_frames(exc_info))


def _discreet(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for part in parts:
        part["exc_value"] = without_values(part["exc_value"])
        part["exc_notes"] = [without_values(note) for note in part.get("exc_notes", [])]
        for nested in part.get("exceptions", []):
            _discreet(nested)
    return parts


def discreet(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Take values out of all texts of a line: libraries put exceptions into their messages."""
    for name, value in event.items():
        if name != "exc_info" and not isinstance(value, (int, float, NoneType)):
            event[name] = without_values(str(value))
    return event
