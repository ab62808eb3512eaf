"""A worker that has only been forked hears that it is told to end, and nothing else."""

import os
import queue
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from kit.web_worker import hear


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """Put the handler back that this process had."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def master_that_noted(*numbers: int) -> SimpleNamespace:
    """Imitate what a child has of its master: the signals that were noted and not handled."""
    noted: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        noted.put(number)
    return SimpleNamespace(SIG_QUEUE=noted)


class TestHear:
    def test_ends_at_a_signal_that_came_with_the_fork(self) -> None:
        with pytest.raises(SystemExit) as left:
            hear(master_that_noted(signal.SIGCHLD, signal.SIGTERM), None)
        assert left.value.code == 0

    def test_ends_at_a_signal_that_comes_before_its_loop_runs(self) -> None:
        hear(master_that_noted(signal.SIGCHLD, signal.SIGHUP), None)
        with pytest.raises(SystemExit) as left:
            os.kill(os.getpid(), signal.SIGTERM)
        assert left.value.code == 0
