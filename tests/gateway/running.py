"""Gateways that run for a while, in front of whatever has a name."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError

from tests.gateway.gateways import Gateway, HAProxy, Nginx
from tests.gateway.names import naming

KINDS: dict[str, type[Gateway]] = {"nginx": Nginx, "haproxy": HAProxy}


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return the mark of tests that run these programs."""
    missing = [name for name in programs if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


GATEWAYS = [pytest.param(kind, marks=needs(kind, "openssl")) for kind in KINDS]


@asynccontextmanager
async def opened(
    kind: type[Gateway],
    folder: Path,
    servers: dict[str, str],
    addresses: tuple[str, ...],
    *,
    quick: bool = False,
) -> AsyncIterator[Gateway]:
    """Run a gateway that finds its servers under these addresses, until the block is left."""
    async with naming(*addresses) as names:
        gateway = kind(folder, names.port, servers)
        gateway.write(quick=quick, addresses=addresses)
        gateway.start()
        try:
            yield gateway
        finally:
            gateway.stop()


async def answers(gateway: Gateway, *, status: int = 200) -> bool:
    """Tell whether the gateway answers so, over a new connection, what a house can answer well."""
    assert not gateway.ended, gateway.ended
    try:
        async with gateway.client() as client, client.get("/livez") as response:
            return response.status == status
    except ClientError:
        return False
