"""The names that rules, panels and the page about operating may use are those of the service."""

from typing import Any

from prometheus_client import Counter

import cli
from kit import backlog, metrics
from tests.deploy.names import COUNTED


def declared(family: Any) -> tuple[str, set[str]]:
    """Return the name that a metric is shown by, and its labels."""
    make = family._make
    name = make.args[0].removesuffix("_total")
    return name + ("_total" if make.func is Counter else ""), set(make.keywords["labelnames"])


def test_names_are_those_of_the_service() -> None:
    assert cli.main.commands  # whoever counts anything has been imported
    outbox = (f"shop_api_outbox_{name}" for name in ("up", *backlog.FIGURES))
    shown = dict(declared(family) for family in metrics.FAMILIES)
    assert shown | {name: set[str]() for name in outbox} == COUNTED
