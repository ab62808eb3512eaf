"""Lines of the log under our own names for the fields."""

import json
from typing import Any

from kit.log_fields import LABELS, NAMES

OURS = {ecs: ours for ours, ecs in NAMES.items()} | {"error.stack_trace": "exception"}
SAME = {"ecs.version", "service.name", "service.version", "process.pid"}  # in every line
SAME |= {"error.type", "error.message"}  # the trace begins with them


def lines_of(text: str) -> list[dict[str, Any]]:
    """Read a log, each line of which must be one JSON object."""
    return [_ours(json.loads(line)) for line in text.split("\n") if line]


def _ours(line: dict[str, Any]) -> dict[str, Any]:
    assert line.keys() >= SAME - {"error.type", "error.message"}, line
    named = {
        OURS.get(name, name.removeprefix(LABELS)): value
        for name, value in line.items()
        if name not in SAME
    }
    return {name: _number(name, value) for name, value in named.items()}


def _number(name: str, value: Any) -> Any:
    if name == "duration_ms" and value is not None:
        return value / 1_000_000
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
    return int(value) if is_digits and name not in ("event", "request_id") else value
