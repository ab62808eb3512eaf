"""What a setting must look like; the complaints are shown to whoever starts the service."""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from marshmallow import ValidationError

LABEL = r"[A-Za-z0-9_-]{1,63}"
HOST = rf"(\[[0-9A-Fa-f:.]+\]|{LABEL}(\.{LABEL}){{0,30}}\.?)"
SERVER = re.compile(rf"{HOST}:(?P<port>[0-9]{{1,5}})")
URL = re.compile(rf"(?P<scheme>[a-z]+)://((?P<who>[^@/?#]*)@)?{HOST}(:[0-9]{{1,5}})?/?")
SENDER = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=^_`{{|}}~-]{{1,64}}@{LABEL}(\.{LABEL}){{0,30}}")
KEY = re.compile(r"[!-~]{1,256}")
TOKEN = re.compile(r"[!-~]{16,256}")

Network = IPv4Network | IPv6Network


def are_servers(value: str) -> None:
    """Take host:port, several with commas between them."""
    for server in value.split(","):
        found = SERVER.fullmatch(server.strip())
        if not found or not 0 < int(found["port"]) < 65536:
            raise ValidationError("Must be host:port, several with commas between them.")


def are_networks(value: str) -> None:
    """Take addresses and networks."""
    try:
        networks(value)
    except ValueError:
        raise ValidationError(
            "Must be addresses or networks such as 10.0.0.0/8, several with commas between them."
        ) from None


def networks(value: str | None) -> tuple[Network, ...]:
    """Read addresses and networks, with commas between them."""
    found = [part.strip() for part in (value or "").split(",")]
    return tuple(_plain(ip_network(part, strict=False)) for part in found if part)


def _plain(network: Network) -> Network:
    """Return the IPv4 network that IPv4-mapped addresses of IPv6 stand for."""
    first = getattr(network.network_address, "ipv4_mapped", None)
    if first is None or network.prefixlen < 96:
        return network
    return ip_network((first, network.prefixlen - 96))


def is_a_while(value: timedelta) -> None:
    """Take a length of time that makes sense."""
    if not timedelta(seconds=1) <= value <= timedelta(days=400):
        raise ValidationError("Must be between one second and 400 days.")


def is_redis(value: str) -> None:
    """Take the address of a Redis."""
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("redis", "rediss", "unix") and not parts.query
        known = known and (parts.port is None or parts.port > 0)
    except ValueError:  # the port is no number, or a bracket is open
        known = False
    if not known:
        raise ValidationError("Must be an address such as redis://:password@host:6379/0.")


def is_http(value: str) -> None:
    """Take the address of a service; a name and a password have no place in it."""
    found = _url(value, ("http", "https"))
    if value and (not found or found["who"] is not None):
        raise ValidationError("Must be an address such as http://users:8000.")


def is_smtp(value: str) -> None:
    """Take the address of a mail server."""
    if value and not _url(value, ("smtp", "smtps")):
        raise ValidationError("Must be an address such as smtp://user:password@host:587.")


def is_token(value: str) -> None:
    """Take a secret that cannot be guessed, or none."""
    if value and not TOKEN.fullmatch(value):
        raise ValidationError("Must be 16 to 256 visible ASCII characters.")


def is_key(value: str) -> None:
    """Take what somebody else gave us to show there, or nothing."""
    if value and not KEY.fullmatch(value):
        raise ValidationError("Must be 1 to 256 visible ASCII characters.")


def is_sender(value: str) -> None:
    """Take a plain e-mail address."""
    if not SENDER.fullmatch(value):
        raise ValidationError("Must be an e-mail address.")


def _url(value: str, schemes: tuple[str, ...]) -> re.Match[str] | None:
    """Return the parts of an address without path and query; None when it is none."""
    found = URL.fullmatch(value)
    try:
        port = urlsplit(value).port
    except ValueError:  # it is no number, or too large
        return None
    return found if found and found["scheme"] in schemes and port != 0 else None
