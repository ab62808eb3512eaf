"""A worker of gunicorn that hears at any moment that it is told to end."""

import signal
import sys
from types import FrameType

from aiohttp.worker import GunicornUVLoopWebWorker
from gunicorn.arbiter import Arbiter


class WebWorker(GunicornUVLoopWebWorker):
    """Begin to stop at the signal, and not up to a second later."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in good order."""
        super().handle_exit(sig, frame)
        self._notify_waiter_done()


def hear(master: Arbiter, _: object) -> None:
    """Let a worker that is told to end before it has begun do so; runs after each fork.

    Until its loop has handlers of its own it has the master's, which only note a signal; such a
    worker would be waited for until it is killed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while not master.SIG_QUEUE.empty():
        if master.SIG_QUEUE.get_nowait() == signal.SIGTERM:
            sys.exit(0)
