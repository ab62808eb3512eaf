"""What is hardly HTTP any more: odd expectations, broken bodies, bytes that are no request."""

import asyncio
import time

import pytest

from tests.kit.conftest import Lines
from tests.kit.doors import UNKNOWN, Operation, operations, request, talk
from tests.support.clients import API

LOGIN = f"{API}/auth/login"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
NO_REQUESTS = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    "an old version": b"GET / HTTP/9.9\r\n\r\n",
    "NUL in the address": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "a header with a space": b"GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n",
    "a bare line feed": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n",
    "a long address": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 40_000 + b"\r\n",
    "two lengths": request("POST", LOGIN, JSON, "Content-Length: 2", "Content-Length: 3"),
    "a length and chunks": request("POST", LOGIN, JSON, "Content-Length: 2", CHUNKED, body=b"{}"),
    "an escape in the method": b"G\x1bET / HTTP/1.1\r\nHost: x\r\n\r\n",
}
BROKEN_BODIES = {
    "no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a wrong number": b"1\r\n{}\r\n0\r\n\r\n",
    "a negative number": b"-1\r\n{}\r\n0\r\n\r\n",
    "a huge number": b"f" * 40 + b"\r\n",
}


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the headers of a request arrive within a moment."""
    monkeypatch.setattr("kit.server.KEEP_ALIVE", 0.2)


class TestExpectation:
    @pytest.mark.parametrize("path", [LOGIN, UNKNOWN, "/livez", "/readyz", "/problems/not-found"])
    @pytest.mark.parametrize("expected", ["200-ok", "100-continue, x", "é"])
    async def test_is_refused_when_unknown(self, raw_port: int, path: str, expected: str) -> None:
        method = "POST" if path == LOGIN else "GET"
        answer = await talk(raw_port, request(method, path, f"Expect: {expected}"))
        answer.problem(417, "expectation-failed")

    async def test_is_met_before_a_body_is_sent(self, raw_port: int) -> None:
        sent = request(
            "POST", LOGIN, JSON, "Content-Length: 2", "Expect: 100-Continue", body=b"{}"
        )
        answer = await talk(raw_port, sent)
        assert answer.interim
        answer.problem(422, "validation-failed")

    async def test_is_not_met_for_http_1_0(self, raw_port: int) -> None:
        sent = request(
            "POST", LOGIN, JSON, "Content-Length: 2", "Expect: 100-continue", body=b"{}"
        )
        answer = await talk(raw_port, sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert (answer.status, answer.interim) == (422, False)

    async def test_is_not_met_for_a_body_that_will_be_refused(self, raw_port: int) -> None:
        for header, status in (
            ("Content-Type: text/plain", 415),
            ("Origin: http://evil.example", 403),
        ):
            sent = request("POST", LOGIN, header, "Content-Length: 2", "Expect: 100-continue")
            answer = await talk(raw_port, sent)
            assert (answer.status, answer.interim) == (status, False)

    async def test_leaves_its_line_in_the_log(self, raw_port: int, log_lines: Lines) -> None:
        answer = await talk(raw_port, request("POST", LOGIN, "Expect: 200-ok"))
        (line,) = [line for line in log_lines() if line["event"] == "request"]
        assert (line["status"], line["request_id"]) == (417, answer.headers["x-request-id"])


class TestBrokenBody:
    @pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
    async def test_is_the_clients_fault(
        self, raw_port: int, log_lines: Lines, body: bytes
    ) -> None:
        answer = await talk(raw_port, request("POST", LOGIN, JSON, CHUNKED, body=body))
        assert answer.status in (400, 413), answer
        assert answer.headers["content-type"] == "application/problem+json"
        assert [line for line in log_lines() if line["level"] == "error"] == []

    async def test_that_is_empty_is_no_body(self, raw_port: int) -> None:
        answer = await talk(raw_port, request("POST", LOGIN, JSON, CHUNKED, body=b"0\r\n\r\n"))
        answer.problem(400, "malformed-json")


class TestNoRequest:
    @pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
    async def test_gets_a_problem_without_an_echo(
        self, raw_port: int, log_lines: Lines, sent: bytes
    ) -> None:
        answer = await talk(raw_port, sent)
        answer.problem(400, "malformed-request")
        assert len(answer.body) < 1000
        assert "aiohttp" not in answer.headers.get("server", "").lower()
        assert answer.headers["content-security-policy"]
        (line,) = log_lines()
        assert line["request_id"] == answer.headers["x-request-id"]

    @pytest.mark.usefixtures("brief")
    async def test_that_drips_in_is_ended(self, raw_port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", raw_port)
        started = time.perf_counter()
        writer.write(b"GET / HTTP/1.1\r\nHo")
        rest = await asyncio.wait_for(reader.read(), 3)
        assert time.perf_counter() - started >= 0.2
        assert rest[:12] in (b"", b"HTTP/1.1 408", b"HTTP/1.1 400")
        writer.close()


class TestDefectOutsideTheNet:
    async def test_is_still_an_internal_error(
        self, raw_port: int, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def explode(_: object) -> None:
            raise ZeroDivisionError("the secret inside")

        monkeypatch.setattr("kit.log.canonical_route", explode)
        answer = await talk(raw_port, request("GET", "/livez"))
        answer.problem(500, "internal-error")
        assert b"secret" not in answer.body
        assert "ZeroDivisionError" in str([x for x in log_lines() if x["level"] == "error"])


class TestEveryOperation:
    @pytest.mark.parametrize("operation", operations(), ids=str)
    async def test_survives_hostile_headers(
        self, raw_port: int, log_lines: Lines, operation: Operation
    ) -> None:
        hostile = "".join(map(chr, range(0x80, 0x100))) + "\t"
        names = ("User-Agent", "X-Request-ID", "Cookie", "Origin", "Accept", "X-Forwarded-For")
        headers = [f"{name}: session={hostile}" for name in names]
        answer = await talk(raw_port, request(operation.method, operation.address, *headers))
        assert answer.status < 500
        (line,) = [line for line in log_lines() if line["event"] == "request"]
        assert line["status"] == answer.status
