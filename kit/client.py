"""Ask other services over HTTP, bounded in time and size; no cookies, nothing unpacked."""

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector


class TooLarge(ValueError):
    """An answer is longer than it may be."""


def create_client(*, limit: float, connect_limit: float, at_once: int) -> ClientSession:
    """Make a client without cookies; the limits are in seconds, `at_once` in connections."""
    return ClientSession(
        connector=TCPConnector(limit=at_once),
        timeout=ClientTimeout(total=limit, connect=connect_limit, sock_connect=connect_limit),
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
