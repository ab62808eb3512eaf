"""What the tests of the porch share: every operation of the house, raw sockets, dead ports."""

import asyncio
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from aiohttp import hdrs, web

import monolith
from kit.addresses import operations as web_operations
from kit.endpoint import Endpoint
from tests.support.settings import make_settings

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
UNKNOWN = "/api/v1/no/such/address"


@dataclass(frozen=True)
class Operation:
    """One method of one route; `declared` is None for the few that are no endpoints."""

    method: str
    route: str
    declared: Endpoint | None

    @property
    def address(self) -> str:
        """Return a path that reaches the route."""
        return self.at("1")

    def at(self, text: str) -> str:
        """Return a path that reaches the route, with this text for its parameter."""
        known = {"/problems/{code}": "not-found", "/static/{name}": "site.css"}
        return re.sub(r"\{(\w+)\}", known.get(self.route, text), self.route)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def bare_house() -> web.Application:
    """Build the application only to look at its routes."""
    return monolith.create_app(make_settings("postgresql://h/d", "redis://h"))


@cache
def operations() -> tuple[Operation, ...]:
    """List each method that each route of the house answers."""
    return tuple(sorted(_operations(), key=str))


def _operations() -> Iterator[Operation]:
    for method, path, handler in web_operations(bare_house()):
        yield Operation(method, path, getattr(handler, "endpoint", None))
        if method == hdrs.METH_GET:
            yield Operation(hdrs.METH_HEAD, path, getattr(handler, "endpoint", None))


def unsafe_operations() -> list[Operation]:
    """List the operations that may change something."""
    return [operation for operation in operations() if operation.method in UNSAFE]


def methods_by_route() -> dict[str, set[str]]:
    """Return the methods that each route answers."""
    found: dict[str, set[str]] = {}
    for operation in operations():
        found.setdefault(operation.route, set()).add(operation.method)
    return found


def dead_port() -> int:
    """Return a port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass(frozen=True)
class Answer:
    """What came back over a raw connection."""

    status: int
    headers: dict[str, str]
    body: bytes
    interim: bool

    def problem(self, status: int, code: str) -> dict[str, Any]:
        """Assert that the answer is this problem, and return its document."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        document: dict[str, Any] = orjson.loads(self.body)
        assert (self.status, document["code"]) == (status, code), document
        assert document["request_id"], document
        assert document["request_id"] == self.headers["x-request-id"]
        return document


async def _read(reader: asyncio.StreamReader, *, to_head: bool) -> Answer:
    head, interim = await reader.readuntil(b"\r\n\r\n"), False
    if b" 100 " in head.split(b"\r\n")[0]:
        head, interim = await reader.readuntil(b"\r\n\r\n"), True
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (x.split(":", 1) for x in lines)}
    length = 0 if to_head else int(headers.get("content-length", "0"))
    body = await reader.readexactly(length)
    return Answer(int(first.split()[1]), headers, body, interim)


async def talk(port: int, sent: bytes, *, within: float = 3.0) -> Answer:
    """Send bytes over a new connection and return the answer that comes within seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(within):
            return await _read(reader, to_head=sent.startswith(b"HEAD"))
    finally:
        writer.close()


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """Write a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
