"""Words that no line of any log may hold, and a watch over all that the tests log."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog

from kit import log
from tests.support.clients import PASSWORD
from tests.support.processes import PROJECT

# what is typed or kept secret in the tests; sign-ups use the third, seeds and defaults the last
_SECRETS = (PASSWORD, "canary-7c2f", "open sesame 42", "a-token-that-no-log-may-hold", "skytrack")
WORDS = tuple(word for word in _SECRETS if word not in str(PROJECT))  # traces name its files

_formatter = log.as_json()
_hand_on: Callable[[logging.Logger, logging.LogRecord], None] = logging.Logger.callHandlers


class Watch:
    """Look at each record of this process the way a log file would show it."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def see(self, record: logging.LogRecord) -> None:
        """Note a line that holds one of the words."""
        line = _formatter.format(record)
        if any(word in line for word in WORDS):
            self.found.append(line)


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch what is logged, whoever takes it; our own lines of requests, too."""
    watch, root = Watch(), logging.getLogger()
    level = root.level

    def look(logger: logging.Logger, record: logging.LogRecord) -> None:
        watch.see(record)
        _hand_on(logger, record)

    logging.Logger.callHandlers = look  # type: ignore[assignment, method-assign]
    log.write_to_logging()
    root.setLevel(logging.INFO)
    try:
        yield watch
    finally:
        logging.Logger.callHandlers = _hand_on  # type: ignore[assignment, method-assign]
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def canary_watch() -> Iterator[Watch]:
    """Watch everything that is logged in this process, the ends of servers included."""
    with watching() as watch:
        yield watch
    assert watch.found == []


@pytest.fixture(autouse=True)
def no_canary(canary_watch: Watch) -> Iterator[None]:
    """Fail a test in which one of the words is logged."""
    logging.getLogger().setLevel(logging.INFO)  # whatever the test before has left behind
    log.write_to_logging()
    yield
    found, canary_watch.found = canary_watch.found, []
    assert found == [], "a secret or personal data in the log"
