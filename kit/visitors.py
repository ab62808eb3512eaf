"""Who is on the other side of a connection, behind proxies that we trust."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import web

from kit.setting_checks import Network
from kit.settings import Settings

Address = IPv4Address | IPv6Address

WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[0-9.]+))(?::[0-9]+)?")
SUBSCRIBER = 64  # bits of an IPv6 address that name who it is; the rest he may choose (RFC 6177)

TRUSTED = web.AppKey("TRUSTED", tuple[Network, ...])


def setup(app: web.Application, settings: Settings) -> None:
    """Let the application know whom to believe."""
    app[TRUSTED] = settings.trusted_proxies


def client_address(request: web.BaseRequest, trusted: tuple[Network, ...]) -> Address | None:
    """Return the right-most address that no trusted proxy has; None without an IP connection.

    Each proxy adds the address of its caller at the right of `X-Forwarded-For`; what stands left
    of the first stranger is hearsay.
    """
    address = parse(request.remote or "")
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    while hops and address is not None and _is_trusted(address, trusted):
        said = parse(hops.pop())
        if said is None:  # the proxy does not know, so it is the last one that we know
            break
        address = said
    return address


def visitor(request: web.Request) -> str:
    """Return the name under which a client is counted: its address, or its IPv6 network."""
    address = client_address(request, request.config_dict[TRUSTED])
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SUBSCRIBER), strict=False))
    return str(address)


def parse(text: str) -> Address | None:
    """Read an address, with or without a port; None when it is none."""
    found = WITH_PORT.fullmatch(text.strip())
    plain = (found["six"] or found["four"]) if found else text.strip()
    try:
        address = ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted)
