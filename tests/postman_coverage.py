"""Which operations a Postman collection has a request of its own for."""

import re
from collections import Counter
from typing import Any

from tests.support.conformity import described

Described = dict[str, Any]


def own(collection: Described) -> list[Described]:
    """Return the requests that are not there for the sake of others only."""
    items = (item for folder in collection["item"] for item in folder["item"])
    return [item for item in items if "request" in item]


def uncovered(collection: Described) -> Counter[tuple[str, str]]:
    """Return how many requests each operation lacks; a negative number is how many too many."""
    lacking: Counter[tuple[str, str]] = Counter()
    for path, methods in described()["paths"].items():
        lacking.update((method.upper(), path) for method in methods)
    for request in (item["request"] for item in own(collection)):
        path = re.sub(r":(\w+)", r"{\1}", "/" + "/".join(request["url"]["path"]))
        lacking.subtract([(request["method"], path)])
    return Counter({name: count for name, count in lacking.items() if count})
