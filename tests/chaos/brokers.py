"""A broker that can be switched off: the embedded one, or the real one that CHAOS_KAFKA names."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from embedded import kafka
from tests.support.processes import PROJECT


class Broker(Protocol):
    """Serve at an address, until it is taken away."""

    address: str

    def take_down(self) -> None:
        """Be away."""

    def bring_up(self) -> None:
        """Be back with what was stored."""


@dataclass
class RealBroker:
    """Drive an Apache Kafka by `.ci/kafka`."""

    version: str
    address: str

    def take_down(self) -> None:
        """Kill it."""
        run("kill", self.version)

    def bring_up(self) -> None:
        """Start it with the same data and ports."""
        run("again", self.version)


def run(command: str, version: str) -> str:
    """Run a command of `.ci/kafka`; return what it prints."""
    done = subprocess.run(
        [PROJECT / ".ci/kafka", command, version], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


@contextmanager
def broker() -> Iterator[Broker]:
    """Run a broker for as long as the block lasts."""
    version = os.environ.get("CHAOS_KAFKA")
    if version is None:
        with kafka.server() as embedded:
            yield embedded
        return
    try:
        yield RealBroker(version, run("start", version))
    finally:
        run("stop", version)
