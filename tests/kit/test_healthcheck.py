"""A container's health check asks its own process, says why, and costs next to nothing."""

import asyncio
import os
import subprocess
import sys

import pytest
from aiohttp.test_utils import TestServer

from kit import healthcheck
from kit.health import DRAINING
from tests.kit.doors import dead_port
from tests.kit.gates import silent_server
from tests.support.processes import PROJECT

CPU_LIMIT = 0.3  # seconds; it takes 0.09 on an idle machine
CHECK = [sys.executable, "-S", "-m", "kit.healthcheck"]  # -S: without what is installed


@pytest.fixture(autouse=True)
def own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the variables that it reads."""
    for name in ("APP_HOST", "APP_PORT", "WORKER_PORT"):
        monkeypatch.delenv(name, raising=False)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what it printed, between the log lines of the server."""
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith(("healthy", "unhealthy"))]


class TestHealthcheck:
    @pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", ""])
    @pytest.mark.parametrize(
        ("variable", "arguments"),
        [("APP_PORT", []), ("APP_PORT", ["--ready"]), ("WORKER_PORT", ["--worker", "--ready"])],
    )
    async def test_is_content_with_a_process_that_answers(
        self,
        server: TestServer,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        host: str,
        variable: str,
        arguments: list[str],
    ) -> None:
        monkeypatch.setenv("APP_HOST", host)
        monkeypatch.setenv(variable, str(server.port))
        assert await asyncio.to_thread(healthcheck.main, arguments) == 0
        assert said(capsys) == ["healthy"]

    async def test_tells_alive_from_ready(
        self,
        server: TestServer,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("APP_PORT", str(server.port))
        server.app[DRAINING].begun = True
        assert await asyncio.to_thread(healthcheck.main, []) == 0
        assert await asyncio.to_thread(healthcheck.main, ["--ready"]) == 1
        alive, ready = said(capsys)
        assert alive == "healthy"
        assert ready.startswith('unhealthy: /readyz answers 503 {"status":"draining"')

    async def test_does_not_wait_for_ever(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with silent_server() as address:
            monkeypatch.setenv("APP_PORT", address.rpartition(":")[2])
            assert await asyncio.to_thread(healthcheck.main, ["--timeout", "0.2"]) == 1
        assert said(capsys)[0].endswith("does not answer (timed out)")

    @pytest.mark.parametrize(
        ("name", "value", "arguments"),
        [
            ("WORKER_PORT", "0", ["--worker"]),
            ("APP_PORT", "eighty", []),
            ("APP_PORT", "65536", []),
        ],
    )
    def test_says_which_setting_names_no_port(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        name: str,
        value: str,
        arguments: list[str],
    ) -> None:
        monkeypatch.setenv(name, value)
        assert healthcheck.main(arguments) == 1
        assert said(capsys) == [f"unhealthy: {name}={value} names no port that could be asked"]

    def test_is_light_and_needs_no_package(self) -> None:
        environment = {"APP_PORT": str(dead_port()), "PATH": os.environ["PATH"]}
        before = os.times()
        done = subprocess.run(CHECK, cwd=PROJECT, env=environment, capture_output=True, text=True)
        after = os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.endswith("does not answer ([Errno 111] Connection refused)\n")
        assert cpu <= CPU_LIMIT
