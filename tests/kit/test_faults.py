"""Which errors are somebody else's outage, and which are defects of ours."""

import errno
import socket

import pytest

from kit.faults import DatabaseUnavailable, InternalError, failure_of

AWAY = [
    *(ConnectionRefusedError(), TimeoutError(), socket.gaierror()),
    *(OSError(number, "gone") for number in (errno.EHOSTUNREACH, errno.ENETUNREACH)),
]


class TestFailureOf:
    @pytest.mark.parametrize("away", AWAY)
    def test_a_server_that_is_away(self, away: Exception) -> None:
        assert isinstance(failure_of(away), DatabaseUnavailable)

    @pytest.mark.parametrize("defect", [FileNotFoundError(), PermissionError(), KeyError("x")])
    def test_a_defect(self, defect: Exception) -> None:
        assert type(failure_of(defect)) is InternalError
