"""The duties of process 1 in a container that has no init of its own."""

import os
import signal
from types import FrameType

TOLD_TO_END = 128 + signal.SIGTERM  # as a shell reports it


def act_as_init() -> None:
    """Be told to end while still starting, and bury orphans; do nothing in any other process.

    The kernel spares process 1 every signal that it has no handler for, so a container that is
    stopped while it starts would be waited for, and killed. Whoever serves sets its own handlers.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGCHLD, _bury)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TOLD_TO_END)


def _bury(_number: int, _frame: FrameType | None) -> None:
    """Take leave of every child that has ended; those of others become ours with their orphans."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # none is left
            return
        if pid == 0:  # the others live
            return
