"""Which errors are somebody else's outage, and which are defects of ours."""

import socket

import pytest

from kit.faults import DatabaseUnavailable, InternalError, failure_of


class TestFailureOf:
    @pytest.mark.parametrize("away", [ConnectionRefusedError(), TimeoutError(), socket.gaierror()])
    def test_a_server_that_is_away(self, away: Exception) -> None:
        assert isinstance(failure_of(away), DatabaseUnavailable)

    @pytest.mark.parametrize("defect", [FileNotFoundError(), PermissionError(), KeyError("x")])
    def test_a_defect(self, defect: Exception) -> None:
        assert type(failure_of(defect)) is InternalError
