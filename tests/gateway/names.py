"""A name server with one name, whose addresses can change."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

ANSWER = 0x8580  # an authoritative answer that could be had recursively
ADDRESS = 1  # type A
TTL = 1  # seconds


class Names(asyncio.DatagramProtocol):
    """Answer every question for an IPv4 address with those that are set (RFC 1035, 4.1)."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Remember the way back."""
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        end = data.index(0, 12) + 5
        kind = struct.unpack("!H", data[end - 4 : end - 2])[0]
        found = self.addresses if kind == ADDRESS else []
        head = data[:2] + struct.pack("!HHHHH", ANSWER, 1, len(found), 0, 0)
        rows = [
            struct.pack("!HHHIH", 0xC00C, ADDRESS, 1, TTL, 4) + IPv4Address(each).packed
            for each in found
        ]
        assert self._transport is not None
        self._transport.sendto(head + data[12:end] + b"".join(rows), addr)


@asynccontextmanager
async def naming(*addresses: str) -> AsyncIterator[Names]:
    """Serve names while the block lasts."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(
        lambda: Names(list(addresses)), local_addr=("127.0.0.1", 0)
    )
    try:
        yield names
    finally:
        transport.close()
