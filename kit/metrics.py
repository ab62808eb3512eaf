"""What is counted and measured, once in a process, and summed over all processes of a server."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import product
from typing import Any, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    values,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own variable
REGISTRY = CollectorRegistry()

T = TypeVar("T", Counter, Gauge, Histogram)

disable_created_metrics()  # a third of the lines, and no use: a counter that fell was reset


class Family(Generic[T]):
    """Make a metric when it is first used: only then is it known whether processes share it."""

    def __init__(self, make: Callable[..., T], labels: dict[str, Sequence[str]]) -> None:
        self._make: Callable[[], T] = partial(make, labelnames=[*labels], registry=REGISTRY)
        self._known = labels
        self._children: dict[tuple[str, ...], T] = {}
        FAMILIES.append(self)

    @cached_property
    def _parent(self) -> T:
        return self._make()

    def of(self, *labels: str) -> T:
        """Return the metric with these values of its labels, in the order of the labels."""
        child = self._children.get(labels)
        if child is None:
            child = self._parent.labels(*labels) if labels else self._parent
            self._children[labels] = child
        return child

    def begin(self) -> None:
        """Show what is known beforehand from the beginning, for a rate needs two values."""
        for labels in product(*self._known.values()):
            self.of(*labels)


FAMILIES: list[Family[Any]] = []


def counter(name: str, text: str, **labels: Sequence[str]) -> Family[Counter]:
    """Declare what only grows; labels: with the values that are known beforehand."""
    return Family(partial(Counter, name, text), labels)


def gauge(
    name: str, text: str, *, mode: Any = "livesum", **labels: Sequence[str]
) -> Family[Gauge]:
    """Declare what goes up and down; mode: how the values of processes that live become one."""
    return Family(partial(Gauge, name, text, multiprocess_mode=mode), labels)


def histogram(
    name: str, text: str, buckets: Sequence[float], **labels: Sequence[str]
) -> Family[Histogram]:
    """Declare what is distributed; buckets: their upper bounds."""
    return Family(partial(Histogram, name, text, buckets=buckets), labels)


def begin() -> None:
    """Show every metric whose labels are known, in a process that has just begun to work."""
    for family in FAMILIES:
        family.begin()


@contextmanager
def shared() -> Iterator[None]:
    """Let processes that are forked in the block write into one folder, which ends with it."""
    folder, owner = tempfile.mkdtemp(prefix="shop-api-metrics-"), os.getpid()
    os.environ[FOLDER] = folder
    values.ValueClass = values.get_value_class()  # the library chose when it was imported
    try:
        yield
    finally:
        if os.getpid() == owner:  # a forked process leaves the block, too
            # one that had to be killed may be at its last write
            shutil.rmtree(folder, ignore_errors=True)


def bury(pid: int) -> None:
    """Forget what a process that has ended was doing; what it has counted stays."""
    mark_process_dead(pid)


class _Scrape(Collector):
    """Collect from all processes that share a folder, or else from this one."""

    def __init__(self, more: Iterable[Metric]) -> None:
        self._more = more

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted and measured, then what was asked for just now."""
        in_common = FOLDER in os.environ
        yield from MultiProcessCollector(None).collect() if in_common else REGISTRY.collect()
        yield from self._more


def exposition(accept: str, more: Iterable[Metric]) -> tuple[bytes, str]:
    """Return all metrics as the reader takes them, and the type of that; it reads files."""
    encode, content_type = choose_encoder(accept)
    return encode(_Scrape(more)), content_type
