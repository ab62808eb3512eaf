"""No other site changes anything here, and a body is small UTF-8 JSON that arrives in time."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from kit.guards import LARGEST_BODY
from tests.kit.conftest import Lines
from tests.kit.doors import (
    UNKNOWN,
    Operation,
    operations,
    request,
    talk,
    unsafe_operations,
)
from tests.support.clients import API, Client, problem
from tests.users.forms import ME

UNSAFE_OPERATIONS = unsafe_operations()
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://["},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "file://"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "Cross-Site", "Origin": "http://127.0.0.1"},
]
UNFIT = [
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/vnd.api+json"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/json; charset=nope"},
    {"Content-Type": "application/json; charset=zip"},
    {"Content-Type": "nonsense"},
]
LOGIN = f"{API}/auth/login"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


class TestForeignSite:
    @pytest.mark.parametrize("operation", UNSAFE_OPERATIONS, ids=str)
    async def test_changes_nothing(self, staff: Client, operation: Operation) -> None:
        for headers in FOREIGN:
            response = await staff.request(operation.method, operation.address, headers=headers)
            await problem(response, 403, "cross-site-request")
        assert (await staff.get(ME)).status == 200

    @pytest.mark.parametrize("operation", UNSAFE_OPERATIONS, ids=str)
    async def test_is_not_this_one(self, guest: Client, operation: Operation) -> None:
        own = f"127.0.0.1:{guest.port}"
        for headers in (
            {},
            {"Origin": f"http://{own}", "Sec-Fetch-Site": "same-origin"},
            {"Origin": f"https://{own}"},
            {"Origin": "HTTPS://Shop.example", "Host": "shop.EXAMPLE"},
        ):
            response = await guest.request(operation.method, operation.address, headers=headers)
            assert response.status in (204, 400, 401), headers

    async def test_may_read(self, guest: Client) -> None:
        for headers in FOREIGN:
            assert (await guest.get(f"{API}/shop/shops", headers=headers)).status == 200
            await problem(await guest.post(UNKNOWN, headers=headers), 403, "cross-site-request")


class TestReading:
    async def test_changes_nothing(
        self, alice: Client, undone: tuple[Database, AsyncConnection], redis: Any
    ) -> None:
        seen: list[str] = []

        def see(_: Any, __: Any, statement: str, *___: Any) -> None:
            seen.append(statement.split(maxsplit=1)[0])

        event.listen(undone[1].sync_connection, "before_cursor_execute", see)
        keys = {key: await redis.dump(key) for key in await redis.keys()}
        for operation in operations():
            if operation.method in ("GET", "HEAD"):
                await alice.request(operation.method, operation.address)
        event.remove(undone[1].sync_connection, "before_cursor_execute", see)
        assert set(seen) <= {"SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "WITH"}
        assert {key: await redis.dump(key) for key in await redis.keys()} == keys


class TestUnfitBody:
    @pytest.mark.parametrize("operation", UNSAFE_OPERATIONS, ids=str)
    async def test_is_refused(self, staff: Client, operation: Operation) -> None:
        for headers in UNFIT:
            response = await staff.request(
                operation.method, operation.address, headers=headers, data=b"{}"
            )
            await problem(response, 415, "unsupported-media-type")
        assert (await staff.get(ME)).status == 200

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity", "nope"])
    async def test_is_refused_in_any_encoding(
        self, raw_port: int, log_lines: Lines, encoding: str
    ) -> None:
        encoded = f"Content-Encoding: {encoding}"
        for operation in UNSAFE_OPERATIONS:
            method, path = operation.method, operation.address
            sent = request(method, path, JSON, encoded, "Content-Length: 2", body=b"{}")
            (await talk(raw_port, sent)).problem(415, "unsupported-media-type")
        assert {line["level"] for line in log_lines()} == {"info"}

    async def test_is_refused_without_any_type(self, raw_port: int) -> None:
        answer = await talk(raw_port, request("POST", LOGIN, "Content-Length: 2", body=b"{}"))
        answer.problem(415, "unsupported-media-type")

    @pytest.mark.parametrize(
        "charset", ["", "; charset=utf-8", "; charset=UTF-8", ";charset=utf8"]
    )
    async def test_is_not_utf_8_json(self, alice: Client, charset: str) -> None:
        headers = {"Content-Type": f"application/json{charset}"}
        assert (await alice.patch(ME, data=b"{}", headers=headers)).status == 200


class TestLargeBody:
    @pytest.mark.parametrize("operation", UNSAFE_OPERATIONS, ids=str)
    async def test_is_refused_unread(self, raw_port: int, operation: Operation) -> None:
        method, path = operation.method, operation.address
        for extra in ([], ["Expect: 100-continue"]):
            sent = request(method, path, JSON, "Content-Length: 5000000000", *extra)
            answer = await talk(raw_port, sent, within=1.0)
            answer.problem(413, "payload-too-large")
            assert not answer.interim
            assert answer.headers["connection"] == "close"

    @pytest.mark.parametrize("length", ["9" * 30, "-1", "1_0", "+5", "0x10", "1, 2", "٣"])
    async def test_with_a_false_length_is_no_request(self, raw_port: int, length: str) -> None:
        line = f"Content-Length: {length}".encode().decode("latin-1")
        answer = await talk(raw_port, request("POST", LOGIN, JSON, line))
        assert answer.status in (400, 413), answer
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_is_refused_in_chunks_too(self, raw_port: int) -> None:
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        sent = request("POST", LOGIN, JSON, CHUNKED, body=chunk * 17)
        (await talk(raw_port, sent)).problem(413, "payload-too-large")

    async def test_begins_beyond_the_limit(self, alice: Client) -> None:
        headers = {"Content-Type": "application/json"}
        most = b"{}" + b" " * (LARGEST_BODY - 2)
        assert (await alice.patch(ME, data=most, headers=headers)).status == 200
        response = await alice.patch(ME, data=most + b" ", headers=headers)
        await problem(response, 413, "payload-too-large")


class TestSlowBody:
    async def test_is_not_awaited_for_ever(
        self, raw_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.parsing.BODY_LIMIT", 0.1)
        for sent in (
            request("POST", LOGIN, JSON, "Content-Length: 10", body=b"{"),
            request("POST", LOGIN, JSON, CHUNKED, body=b"1\r\n{\r\n"),
        ):
            started = time.perf_counter()
            (await talk(raw_port, sent)).problem(408, "request-timeout")
            assert 0.1 <= time.perf_counter() - started < 1.0

    async def test_that_never_ends_costs_no_error(self, raw_port: int, log_lines: Lines) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", raw_port)
        writer.write(request("POST", LOGIN, JSON, "Content-Length: 10", body=b"{"))
        await writer.drain()
        writer.close()
        assert await asyncio.wait_for(reader.read(), 2) == b""
        await talk(raw_port, request("GET", "/livez"))
        assert [line for line in log_lines() if line["level"] == "error"] == []
