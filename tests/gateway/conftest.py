"""Real houses, gateways in front of them, and clients that come to the gateways."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from kit.settings import Settings
from tests.gateway.gateways import Gateway
from tests.gateway.running import GATEWAYS, KINDS, answers, opened
from tests.gateway.town import HERE, Town, settled
from tests.kit.events import until
from tests.support import databases


@pytest_asyncio.fixture(scope="package")
async def town_settings(settings: Settings) -> AsyncIterator[Settings]:
    """Point at a database that the houses of this package share."""
    async with databases.cloned(settings, "of_the_town") as ours:
        yield ours


@pytest.fixture(scope="package")
def town(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Start two houses."""
    with settled(tmp_path_factory.mktemp("houses"), town_settings) as started:
        yield started


@pytest_asyncio.fixture(scope="module", params=GATEWAYS)
async def gateway(
    request: pytest.FixtureRequest, town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """Run each gateway in front of the town."""
    folder = tmp_path_factory.mktemp(request.param) / "gateway"
    servers = {"PROXY_WEB": f"web:{town.port}"}
    async with opened(KINDS[request.param], folder, servers, HERE) as made:
        await until(lambda: answers(made))
        yield made


@pytest_asyncio.fixture
async def visit(gateway: Gateway) -> AsyncIterator[Callable[..., ClientSession]]:
    """Give a way to make clients of the gateway."""
    async with AsyncExitStack() as stack:
        made: list[ClientSession] = []

        def make(address: str = "127.0.0.1") -> ClientSession:
            made.append(gateway.client(address))
            stack.push_async_callback(made[-1].close)
            return made[-1]

        yield make
