"""What clients meet at a gateway when what stands behind it is away, silent or unsure."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ServerDisconnectedError

from tests.gateway.running import GATEWAYS, KINDS, answers, opened
from tests.gateway.stubs import DROP, SILENT, Stubs, standing_in
from tests.kit.events import until
from tests.support.clients import API, problem

HERE = ("127.0.0.4", "127.0.0.5")
OPEN = "/applications"
CLOSED = f"{API}/shop/cart"
SESSIONS = f"{API}/auth/sessions"

pytestmark = pytest.mark.parametrize("kind", GATEWAYS)


@asynccontextmanager
async def facing(
    kind: str, folder: Path, paths: Mapping[str, int]
) -> AsyncIterator[tuple[ClientSession, Stubs]]:
    """Run a gateway in front of stubs, and wait until it reaches them."""
    async with standing_in(paths, HERE) as stubs:
        servers = {"PROXY_WEB": f"web:{stubs.port}"}
        where = folder / "gateway"
        async with opened(KINDS[kind], where, servers, HERE, quick=True) as gateway:
            await until(lambda: answers(gateway))
            async with gateway.client() as client:
                yield client, stubs


class TestChanges:
    async def test_are_never_sent_twice(self, kind: str, tmp_path: Path) -> None:
        async with facing(kind, tmp_path, {OPEN: DROP}) as (client, stubs):
            try:
                async with client.post(OPEN, json={}) as response:
                    told = await problem(response, 502, "bad-gateway")
                    assert told["instance"] == OPEN
                    assert response.headers["Retry-After"] == "2"
            except ServerDisconnectedError:  # HAProxy before 3.0 says no more than that
                assert kind == "haproxy"
            assert stubs.seen == [f"POST {OPEN}"]

    async def test_are_not_sent_twice_either_when_nothing_comes_back(
        self, kind: str, tmp_path: Path
    ) -> None:
        async with facing(kind, tmp_path, {OPEN: SILENT}) as (client, stubs):
            async with client.post(OPEN, json={}) as response:
                await problem(response, 504, "gateway-timeout")
            assert stubs.seen == [f"POST {OPEN}"]


class TestReading:
    async def test_is_tried_at_another_server(self, kind: str, tmp_path: Path) -> None:
        async with facing(kind, tmp_path, {OPEN: DROP}) as (client, stubs):
            async with client.get(OPEN) as response:
                await problem(response, 502, "bad-gateway")
            assert stubs.seen.count(f"GET {OPEN}") >= 2

    async def test_goes_on_while_nobody_is_ready(self, kind: str, tmp_path: Path) -> None:
        paths = {"/readyz": 503, OPEN: 200}
        async with facing(kind, tmp_path, paths) as (client, _), client.get(OPEN) as response:
            assert response.status == 200


class TestServers:
    async def test_that_are_all_away_make_502(self, kind: str, tmp_path: Path) -> None:
        async with standing_in({}, HERE) as gone:
            port = gone.port
        servers = {"PROXY_WEB": f"web:{port}"}
        async with (
            opened(KINDS[kind], tmp_path / "gateway", servers, HERE) as gateway,
            gateway.client() as client,
        ):
            await until(lambda: answers(gateway, status=502))
            for path in (CLOSED, OPEN):
                async with client.get(path) as response:
                    await problem(response, 502, "bad-gateway")
                    assert response.headers["Cache-Control"] == "no-store"

    async def test_that_cannot_tell_who_is_there_let_nobody_in(
        self, kind: str, tmp_path: Path
    ) -> None:
        for status in (503, 500, 200):
            paths = {SESSIONS: status, CLOSED: 204}
            async with facing(kind, tmp_path / str(status), paths) as (client, stubs):
                async with client.get(CLOSED) as response:
                    if status == 200:
                        assert response.status == 204
                        assert stubs.seen == [f"GET {SESSIONS}", f"GET {CLOSED}"]
                        continue
                    expected = (
                        (503, "sessions-unavailable") if status == 503 else (502, "bad-gateway")
                    )
                    await problem(response, *expected)
                    assert response.headers["Retry-After"] == "2"
                assert stubs.seen == [f"GET {SESSIONS}"]


class TestConfiguration:
    async def test_is_taken_without_a_warning(self, kind: str, tmp_path: Path) -> None:
        servers = {"PROXY_WEB": "web:8000"}
        async with opened(KINDS[kind], tmp_path / "gateway", servers, HERE) as gateway:
            said = gateway.check().lower()
            assert not re.search(r"\[(warn|warning|error|alert|emerg)\]", said), said
