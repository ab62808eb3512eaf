"""A users service that plays a part, byte by byte, and remembers what it was asked."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import orjson
from yarl import URL

Writer = asyncio.StreamWriter
Play = Callable[[URL, Writer], Awaitable[None]]

PAUSE = 0.05  # seconds between two bytes that drip
LATE = 1.45  # seconds, more than friends waits
TOO_LARGE = 256 * 1024 + 1  # bytes
BOMB = gzip.compress(b" " * 64 * 1024 * 1024)


class Stage:
    """Listen and play; `play` may be changed at any time."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.heads: list[bytes] = []
        self.url = ""
        self._acts: set[asyncio.Task[None]] = set()
        self._writers: set[Writer] = set()

    async def perform(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Play once on one connection."""
        self._writers.add(writer)
        act = asyncio.create_task(self._act(reader, writer))
        self._acts.add(act)
        await asyncio.wait([act])

    async def _act(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await self.play(URL(self.heads[-1].split()[1].decode()), writer)
            await writer.drain()
        writer.close()

    async def end(self) -> None:
        """Break off what is still played."""
        for act in self._acts:
            act.cancel()
        for writer in self._writers:
            writer.transport.abort()
        if self._acts:
            await asyncio.wait(self._acts)


@asynccontextmanager
async def staged(play: Play) -> AsyncIterator[Stage]:
    """Keep a stage open while the block lasts."""
    stage = Stage(play)
    server = await asyncio.start_server(stage.perform, "127.0.0.1", 0)
    stage.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stage
    finally:
        server.close()
        await stage.end()


def answer(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Write an answer as bytes; length: what it says of its body, else the truth."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {said}", *headers, "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def saying(status: str, document: object, *headers: str) -> bytes:
    """Write an answer with a JSON document."""
    return answer(status, orjson.dumps(document), "Content-Type: application/json", *headers)


def card(user_id: int, **changes: object) -> dict[str, object]:
    """Return a card as the users service shows it."""
    return {
        "id": user_id,
        "username": f"user{user_id}",
        "first_name": "A",
        "second_name": "User",
        "birthday": None,
        "age": None,
        "created_at": "2026-01-02T03:04:05Z",
        **changes,
    }


def truth(url: URL) -> bytes:
    """Write what a users service would answer in which every user exists."""
    if url.path.endswith("/cards"):
        ids = map(int, url.query["ids"].split(","))
        return saying("200 OK", {"items": [card(user_id) for user_id in ids]})
    if url.path == "/livez":
        return saying("200 OK", {"status": "alive"})
    return b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def always(sent: bytes) -> Play:
    """Play one answer, whatever is asked."""

    async def play(_: URL, writer: Writer) -> None:
        writer.write(sent)

    return play


async def honest(url: URL, writer: Writer) -> None:
    """Play a users service in which every user exists."""
    writer.write(truth(url))


async def silent(_: URL, __: Writer) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def late(url: URL, writer: Writer) -> None:
    """Tell the truth when it is no longer wanted."""
    await asyncio.sleep(LATE)
    await honest(url, writer)


async def drip(writer: Writer, sent: bytes) -> None:
    """Send byte by byte."""
    for number in range(len(sent)):
        writer.write(sent[number : number + 1])
        await writer.drain()
        await asyncio.sleep(PAUSE)


async def drip_all(url: URL, writer: Writer) -> None:
    """Let the truth drip from its first byte on."""
    await drip(writer, truth(url))


async def drip_body(_: URL, writer: Writer) -> None:
    """Let the body of an answer drip."""
    writer.write(answer("404 Not Found", length=1000))
    await drip(writer, b'{"code":"user-not-found"' + b" " * 975 + b"}")


async def cut_short(_: URL, writer: Writer) -> None:
    """Break off in the middle of a body that would be right."""
    body = orjson.dumps({"code": "user-not-found", "items": []})
    writer.write(answer("404 Not Found", body, length=len(body) + 100))


async def padded(url: URL, writer: Writer) -> None:
    """Tell the truth in more bytes than anybody should read."""
    if url.path.endswith("/cards"):
        body = truth(url).partition(b"\r\n\r\n")[2]
        writer.write(answer("200 OK", body.ljust(TOO_LARGE)))
    else:
        writer.write(answer("404 Not Found", b'{"code":"user-not-found"}'.ljust(TOO_LARGE)))


async def endless_body(_: URL, writer: Writer) -> None:
    """Send a body that never ends, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def endless_head(_: URL, writer: Writer) -> None:
    """Send headers that never end, as fast as they are taken."""
    writer.write(b"HTTP/1.1 204 No Content\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 4096 + b"\r\n")
        await writer.drain()
