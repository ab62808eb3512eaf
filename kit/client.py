"""Ask other services over HTTP, bounded in time and size; no cookies, nothing unpacked."""

from aiohttp import (
    AsyncResolver,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)


class TooLarge(ValueError):
    """An answer is longer than it may be."""


def create_client(*, limit: float, connect_limit: float, at_once: int) -> ClientSession:
    """Make a client without cookies; the limits are in seconds, `at_once` in connections.

    Names are looked up without a thread: one that waits for a dead name server cannot be ended,
    and would hold the process when it is to stop.
    """
    resolver = AsyncResolver(timeout=connect_limit, tries=1)
    return ClientSession(
        connector=TCPConnector(limit=at_once, resolver=resolver),
        timeout=ClientTimeout(total=limit, sock_connect=connect_limit),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
    )


async def body_of(response: ClientResponse, most: int) -> bytes:
    """Return a body of at most so many bytes.

    Raises:
        TooLarge: it is longer; the rest is not read.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise TooLarge
    return bytes(body)
