"""Requests that are HTTP, but not as anybody means it."""

import asyncio

import pytest

from tests.kit.conftest import Lines
from tests.kit.doors import request, talk
from tests.support.clients import API

LOGIN = f"{API}/auth/login"
JSON = "Content-Type: application/json"
PATIENCE = 3.0  # seconds


class TestVersion:
    @pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/2.0"])
    async def test_that_is_not_spoken_here_is_refused(self, raw_port: int, version: bytes) -> None:
        sent = request("GET", "/livez", "Connection: close").replace(b"HTTP/1.1", version)
        (await talk(raw_port, sent)).problem(400, "malformed-request")


class TestHeadersGivenTwice:
    @pytest.mark.parametrize(
        "headers",
        [
            ("Origin: http://127.0.0.1", "Origin: http://evil.example"),
            ("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"),
        ],
    )
    async def test_are_both_looked_at(self, raw_port: int, headers: tuple[str, str]) -> None:
        answer = await talk(raw_port, request("POST", f"{API}/auth/logout", *headers))
        answer.problem(403, "cross-site-request")


class TestLength:
    async def test_is_judged_for_a_get_too(self, raw_port: int) -> None:
        answer = await talk(raw_port, request("GET", "/livez", "Content-Length: 5000000000"))
        answer.problem(413, "payload-too-large")


class TestConnect:
    async def test_finds_nothing_since_this_is_no_proxy(self, raw_port: int) -> None:
        answer = await talk(raw_port, request("CONNECT", "example.org:443"))
        answer.problem(404, "not-found")


class TestClientThatGoes:
    async def test_is_no_outage(self, raw_port: int, log_lines: Lines) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", raw_port)
        writer.write(request("POST", LOGIN, JSON, "Content-Length: 10", body=b"{}"))
        await writer.drain()
        writer.close()
        lines: list[dict[str, object]] = []
        async with asyncio.timeout(PATIENCE):
            while not lines:
                await asyncio.sleep(0)
                lines = log_lines()
        assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]
