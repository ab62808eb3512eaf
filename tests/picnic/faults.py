"""Everything that a weather service may do but answer: name -> how it is played."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.picnic.stage import Play, honest, truth

PAUSE = 0.05  # seconds between two bytes that drip
LATE = 1.6  # seconds, more than anybody waits
TOO_LARGE = 64 * 1024 + 1  # bytes
BOMB = gzip.compress(b" " * 64 * 1024 * 1024)
HTML = b"<!DOCTYPE html><title>Welcome to nginx!</title>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def says(document: Any, status: int = 200) -> Play:
    """Answer this document, whatever is asked."""
    return sends(json.dumps(document).encode(), status, "application/json")


def sends(body: bytes, status: int = 200, kind: str = "text/html", **headers: str) -> Play:
    """Answer these bytes, whatever is asked."""

    async def play(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, content_type=kind, headers=headers)

    return play


def raw(sent: bytes) -> Play:
    """Send these bytes and hang up."""

    async def play(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(sent)
        request.transport.close()
        return web.Response()

    return play


def twisted(change: Callable[[Any], Any]) -> Play:
    """Answer the truth, after something has been done to its document."""

    async def play(request: web.Request) -> web.StreamResponse:
        status, document = truth(request.rel_url)
        return web.json_response(change(document), status=status)

    return play


def numbers(value: Any) -> Callable[[Any], Any]:
    """Return a change that puts something in the place of every number."""

    def change(document: Any) -> Any:
        match document:
            case dict():
                return {name: change(inner) for name, inner in document.items()}
            case list():
                return [change(inner) for inner in document]
            case int() | float():
                return value
        return document

    return change


def redirecting(status: int, url: str) -> Play:
    """Send everybody elsewhere, with the same question."""

    async def play(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": f"{url}{request.path_qs}"})

    return play


async def silent(_: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def late(request: web.Request) -> web.StreamResponse:
    """Tell the truth when it is no longer wanted."""
    await asyncio.sleep(LATE)
    return await honest(request)


def padded_to(length: int) -> Play:
    """Tell the truth in so many bytes."""

    async def play(request: web.Request) -> web.StreamResponse:
        body = json.dumps(truth(request.rel_url)[1]).encode().ljust(length)
        return web.Response(body=body, content_type="application/json")

    return play


def at_first(fault: Play, times: int = 1) -> Play:
    """Play a fault so many times, and be honest from then on."""
    left = [fault] * times

    async def play(request: web.Request) -> web.StreamResponse:
        return await (left.pop() if left else honest)(request)

    return play


async def cut_short(request: web.Request) -> web.StreamResponse:
    """Break off after a document that would be right."""
    body = json.dumps(truth(request.rel_url)[1]).encode()
    return await raw(HEAD + f"Content-Length: {len(body) + 9}\r\n\r\n".encode() + body)(request)


def flowing(first: bytes, more: bytes, pause: float = 0) -> Play:
    """Send something, and then more and more of something else until nobody listens."""

    async def play(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(first)
        while not request.transport.is_closing():
            if request.transport.get_write_buffer_size() < TOO_LARGE:
                request.transport.write(more)
            await asyncio.sleep(pause)
        return web.Response()

    return play


SLOW: dict[str, Play] = {
    "silent": silent,
    "late": late,
    "dripping": flowing(HEAD, b"X", PAUSE),
    "dripping body": flowing(HEAD + b"Content-Length: 999\r\n\r\n{", b" ", PAUSE),
}
WIRE: dict[str, Play] = {
    "closed without a word": raw(b""),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "cut short": cut_short,
    "huge body": padded_to(TOO_LARGE),
    "endless body": flowing(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n"
    ),
    "endless head": flowing(HEAD, b"X-More: " + b"x" * 4096 + b"\r\n"),
    "bomb": sends(BOMB, 200, "application/json", **{"Content-Encoding": "gzip"}),
}
STATUSES: dict[str, Play] = {
    "500": sends(HTML, 500),
    "503": says({"error": True, "reason": "overloaded"}, 503),
    "429": says({"cod": 429, "error": True, "message": "Your account is blocked."}, 429),
    "401": says({"cod": 401, "message": "Invalid API key."}, 401),
    "403": sends(HTML, 403),
    "400": says({"error": True, "reason": "Latitude must be in range."}, 400),
    "404 in HTML": sends(HTML, 404),
    "404 of nothing": sends(b"", 404),
    "404 of a list": says(["404", "city not found"], 404),
    "404 of somebody else": says({"cod": "404", "message": "Internal error"}, 404),
    "201": says({"generationtime_ms": 0.1}, 201),
    "204": sends(b"", 204),
    **{str(status): redirecting(status, "") for status in (301, 302, 303, 307, 308)},
}
DOCUMENTS: dict[str, Play] = {
    "HTML": sends(HTML),
    "nothing": sends(b"", 200, "application/json"),
    "broken JSON": sends(b'{"results": [{"name": "Ber', 200, "application/json"),
    "deep JSON": sends(b"[" * 60_000, 200, "application/json"),
    "broken UTF-8": sends(b'{"results": [], "generationtime_ms": "\xff"}'),
    "a huge number": sends(b'{"results": [], "generationtime_ms": ' + b"7" * 5000 + b"}"),
    "NaN": twisted(numbers(float("nan"))),
    "infinity": twisted(numbers(float("inf"))),
    "numbers beyond": twisted(numbers(1e9)),
    "null": says(None),
    "a number": says(404),
    "a text": says("city not found"),
    "an empty list": says([]),
    "an empty object": says({}),
    "an error": says({"error": True, "reason": "no results"}),
    "a city as a text": says({"results": ["Berlin"], "generationtime_ms": 0.1}),
    "a city without a place": says({"results": [{"name": "Berlin"}], "generationtime_ms": 0.1}),
    "404 that is none": says({"cod": "404", "message": "city not found"}),
}
QUICK = WIRE | STATUSES | DOCUMENTS
FAULTS = SLOW | QUICK
