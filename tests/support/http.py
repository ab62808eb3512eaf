"""A plain client for tests without an event loop."""

from urllib.request import urlopen


def fetch(url: str) -> bytes:
    """Return the body of a GET; the address is on this machine."""
    with urlopen(url, timeout=10) as response:
        body: bytes = response.read()
        return body
