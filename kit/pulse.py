"""Tell a loop that goes on from one that hangs: each beats whenever it makes a step."""

import time
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar

from kit import tracing

LATE = 120.0  # seconds; no step takes longer: housekeeping rests for 60, joining a group takes 30


class Pulse:
    """Remember when a loop made its last step, and whether it has ended."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._ended = False

    def beat(self) -> None:
        """Note a step."""
        self._last = time.monotonic()

    @property
    def state(self) -> str:
        """Return "alive", "hanging" or "ended"."""
        if self._ended:
            return "ended"
        return "hanging" if time.monotonic() - self._last > LATE else "alive"

    async def of(self, loop: Coroutine[object, object, None]) -> None:
        """Run a loop whose steps are noted here; what it does between events is in no trace."""
        _pulse.set(self)
        try:
            with tracing.silence():
                await loop
        finally:
            self._ended = True


_pulse: ContextVar[Pulse | None] = ContextVar("pulse", default=None)

Pulses = Mapping[str, Pulse]  # name of a loop -> its pulse


def beat() -> None:
    """Note that the loop which calls this goes on."""
    if (pulse := _pulse.get()) is not None:
        pulse.beat()
