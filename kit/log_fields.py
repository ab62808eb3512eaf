"""What the fields of a log line are called: the names of the Elastic Common Schema (ECS).

What ECS has no name for is a label, and labels are text: so no field ever has two types.
"""

import linecache
import os
from collections.abc import Iterator, Mapping
from typing import Any

from kit.settings import SERVICE, VERSION

ECS_VERSION = "8.11.0"
LABELS = "labels."

# what we call it -> what ECS calls it; ECS names no pattern of an address
NAMES = {
    "time": "@timestamp",
    "level": "log.level",
    "event": "message",
    "request_id": "http.request.id",
    "method": "http.request.method",
    "route": f"{LABELS}route",
    "status": "http.response.status_code",
    "duration_ms": "event.duration",
    "user_id": "user.id",
    "trace_id": "trace.id",
}
CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
ENDS = {True: CAUSE, False: CONTEXT}

Told = list[dict[str, Any]]  # an exception and those that led to it, as structlog tells them


def to_ecs(_: Any, __: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Rename the fields of a line, and say who wrote it."""
    line = dict(_fields(event))
    line |= {"ecs.version": ECS_VERSION, "service.name": SERVICE, "service.version": VERSION}
    return line | {"process.pid": os.getpid()}


def _fields(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in event.items():
        if name == "exception":
            yield "error.type", value[0]["exc_type"]
            yield "error.message", value[0]["exc_value"]
            yield "error.stack_trace", stack_trace(value)
        elif name == "duration_ms":
            yield NAMES[name], None if value is None else round(value * 1_000_000)  # nanoseconds
        elif name == "status":
            yield NAMES[name], value
        else:  # a label has no dot: "a.b" would be an object beside the text "a"
            yield NAMES.get(name, LABELS + name.replace(".", "_")), _text(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def stack_trace(told: Told) -> str:
    """Write an exception the way Python does, the one that began it first."""
    parts = []
    for part in reversed(told):
        parts += [_one(part), ENDS[bool(part.get("is_cause"))]]
    return "".join(parts[:-1])


def _one(part: dict[str, Any]) -> str:
    lines = ["Traceback (most recent call last):"] if part["frames"] else []
    for frame in part["frames"]:
        lines.append(f'  File "{frame["filename"]}", line {frame["lineno"]}, in {frame["name"]}')
        source = linecache.getline(frame["filename"], frame["lineno"]).strip()
        lines += [f"    {source}"] if source else []
    lines += [f"{part['exc_type']}: {part['exc_value']}", *part.get("exc_notes", [])]
    for number, nested in enumerate(part.get("exceptions", []), 1):
        lines.append(f"  {number} of {len(part['exceptions'])} in this group:")
        lines += [f"    {line}" for line in stack_trace(nested).splitlines()]
    return "\n".join(lines)
