"""Probes: alive whatever is down, ready only when all answers and nobody stopped the server."""

import time
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from kit.health import DRAINING
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.support.clients import Client


class TestLivez:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_answers_with_everything_down(
        self, visit_at: VisitAt, without_redis: Settings, without_postgresql: Settings, method: str
    ) -> None:
        dead = replace(without_redis, database_url=without_postgresql.database_url)
        client = await visit_at(dead, None)
        times: list[float] = []
        for _ in range(5):
            started = time.perf_counter()
            response = await client.request(method, "/livez")
            times.append(time.perf_counter() - started)
            assert response.status == 200
        assert min(times) <= 0.02


class TestReadyz:
    async def test_names_each_dependency_with_its_latency(self, guest: Client) -> None:
        response = await guest.get("/readyz")
        document = await response.json()
        assert (response.status, document["status"]) == (200, "ready")
        assert document["dependencies"].keys() == {"postgresql", "redis", "kafka"}
        for state in document["dependencies"].values():
            assert state.keys() == {"status", "latency_ms"}
            assert state["status"] == "up"
            assert 0 < state["latency_ms"] < 1500
        assert response.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("down", ["postgresql", "redis"])
    async def test_names_what_is_down_soon(
        self, request: pytest.FixtureRequest, visit_at: VisitAt, down: str
    ) -> None:
        client = await visit_at(request.getfixturevalue(f"without_{down}"), None)
        started = time.perf_counter()
        response = await client.get("/readyz")
        assert time.perf_counter() - started <= 2
        document = await response.json()
        assert (response.status, document["status"]) == (503, "unavailable")
        states = {name: state["status"] for name, state in document["dependencies"].items()}
        assert states == {"postgresql": "up", "redis": "up", "kafka": "up", down: "down"}
        assert response.headers["Retry-After"].isdigit()
        assert "127.0.0.1" not in await response.text()

    async def test_refuses_while_the_server_drains(
        self, guest: Client, server: TestServer
    ) -> None:
        server.app[DRAINING].begun = True
        response = await guest.get("/readyz")
        document = await response.json()
        assert (response.status, document["status"]) == (503, "draining")
        assert {state["status"] for state in document["dependencies"].values()} == {"up"}
        assert (await guest.get("/livez")).status == 200
