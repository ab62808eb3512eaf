"""Outlast outages: say once that something is away, try ever more slowly, say when it is back."""

import asyncio
import contextlib
from types import TracebackType

from kit.errors import Away, Unavailable
from kit.faults import failure_of
from kit.kafka import KafkaAway
from kit.log import logger
from kit.pulse import beat

SHORTEST = 0.2  # seconds
LONGEST = 2.0  # seconds: what waits shall leave soon after the other side is back


def is_outage(error: Exception) -> bool:
    """Tell whether something that we depend on is away, and not we are wrong."""
    return isinstance(error, Away) or isinstance(failure_of(error), Unavailable)


class Patience:
    """Guard the rounds of a loop: `async with patience:` survives whatever a round raises."""

    def __init__(self, loop: str, stop: asyncio.Event) -> None:
        """loop: its name in the log; stop: ends the waiting at once."""
        self._loop = loop
        self._stop = stop
        self._failures = 0

    async def __aenter__(self) -> None:
        """Begin a round."""
        beat()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> bool:
        """Note how the round ended; wait when it failed."""
        if error is None:
            if self._failures:
                logger.info("back to work", loop=self._loop, failures=self._failures)
            self._failures = 0
            return False
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task and not task.cancelling():
            error = KafkaAway("cancelled")  # aiokafka does that unasked
        if not isinstance(error, Exception):
            return False
        if not is_outage(error):
            logger.error("unexpected error", loop=self._loop, exc_info=error)
        elif not self._failures:
            cause = type(error).__name__
            told = str(error) if isinstance(error, Away) else cause
            logger.warning("waiting", loop=self._loop, cause=told)
        await pause(self._stop, min(SHORTEST * 2**self._failures, LONGEST))
        self._failures = min(self._failures + 1, 1000)
        return True


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until it is time to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
