"""A Postman collection of the API, from its document and the order in which to send requests."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kit.postman_requests import Operation, Step, operations, request

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
FLOW = "flow"  # the folders of requests that are there for the others' sake

Described = dict[str, Any]


class FlowError(Exception):
    """Say which operations the order and the document do not have in common."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Hold the requests of one folder in their order."""

    name: str
    words: str
    steps: Sequence[Step]


def collection(
    document: Described, chapters: Sequence[Chapter], variables: Mapping[str, str]
) -> Described:
    """Return the collection (v2.1.0); what requests remember become variables, too.

    Raises:
        FlowError: an operation of the document has no place in the order, or several; or a place
            is for one that the document does not have.
    """
    known = operations(document)
    _check(known, [step for chapter in chapters for step in chapter.steps])
    info = document["info"]
    return {
        "info": {
            "_postman_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{SCHEMA}#{info['title']}")),
            "name": info["title"],
            "description": info["description"],
            "version": info["version"],
            "schema": SCHEMA,
        },
        "item": [
            {
                "name": chapter.name,
                "description": chapter.words,
                "item": list(_items(known, chapter.steps, document["components"]["schemas"])),
            }
            for chapter in chapters
        ],
        "variable": [
            {"key": name, "value": value, "type": "string"}
            for name, value in {**_remembered(chapters), **variables}.items()
        ],
    }


def _items(
    known: Mapping[str, Operation], steps: Sequence[Step], schemas: Described
) -> Iterator[Described]:
    """Yield requests, and a folder for each run of those that only help the others."""
    for helps, some in groupby(steps, lambda step: bool(step.helper)):
        made = [request(known[step.operation], step, schemas) for step in some]
        if helps:
            yield {"name": FLOW, "description": "What the next requests need.", "item": made}
        else:
            yield from made


def _check(known: Iterable[str], steps: Sequence[Step]) -> None:
    """Raise FlowError unless each operation is there once, and nothing else."""
    placed = [step.operation for step in steps if not step.helper]
    faults = [f"{name} has no place in the flow" for name in known if name not in placed]
    faults += [f"{name} has several" for name in sorted(set(placed)) if placed.count(name) > 1]
    unknown = {step.operation for step in steps} - set(known)
    faults += [f"{name} is not in the document" for name in sorted(unknown)]
    if faults:
        raise FlowError("; ".join(faults) + ".")


def _remembered(chapters: Sequence[Chapter]) -> dict[str, str]:
    """Return the variables that requests fill, empty."""
    steps = [step for chapter in chapters for step in chapter.steps]
    return {name: "" for step in steps for name in step.remember}
