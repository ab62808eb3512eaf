"""Two houses at two addresses under one name, and gateways in front of them."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession

from embedded.process import wait_until
from kit.settings import Settings
from tests.gateway.gateways import Gateway, HAProxy, Nginx
from tests.gateway.names import Names, naming
from tests.kit.events import until
from tests.support import databases
from tests.support.processes import PATIENCE, ShopApi, free_port

KINDS: dict[str, type[Gateway]] = {"nginx": Nginx, "haproxy": HAProxy}
HERE = ("127.0.0.2", "127.0.0.3")
LIMIT = 3  # applications that a visitor may send in a minute


def here(program: str) -> bool:
    """Tell whether a program is installed, also where only root would find it."""
    return shutil.which(program, path="/usr/sbin:/usr/local/sbin") is not None or bool(
        shutil.which(program)
    )


@dataclass(frozen=True)
class Town:
    """Houses on one port at different addresses, and the database that they share."""

    houses: dict[str, ShopApi]
    port: str
    settings: Settings

    def lines(self, request_id: str) -> list[dict[str, Any]]:
        """Return what the houses logged of a request."""
        said = (line for house in self.houses.values() for line in house.said.splitlines())
        told = (orjson.loads(line) for line in said)
        return [x for x in told if x.get("request_id") == request_id and x["event"] == "request"]

    def routes(self, request_id: str) -> list[str]:
        """Return which routes of the houses a request has reached."""
        return [line["route"] for line in self.lines(request_id)]


Build = Callable[..., Town]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Give a way to start houses at addresses."""
    with ExitStack() as stack:

        def start(settings: Settings, *addresses: str, **environment: str) -> Town:
            port, houses = free_port(), {}
            for address in addresses:
                house = houses[address] = ShopApi(
                    tmp_path_factory.mktemp("house") / "log",
                    "serve",
                    APP_HOST=address,
                    APP_PORT=port,
                    COOKIE_SECURE="true",
                    DATABASE_URL=settings.database_url,
                    RATE_LIMITER_CALLS=str(LIMIT),
                    TRUSTED_PROXIES="127.0.0.1",
                    WEATHER_PROVIDER="fake",
                    **{"REDIS_URL": settings.redis_url} | environment,
                )
                stack.callback(house.stop)
            for house in houses.values():
                stack.callback(house.process.terminate)  # all of them, then each is waited for
            assert wait_until(
                lambda: all('"serving"' in x.said for x in houses.values()), PATIENCE
            )
            return Town(houses, port, settings)

        yield start


@pytest_asyncio.fixture(scope="module")
async def town_settings(settings: Settings) -> AsyncIterator[Settings]:
    """Point at a database that the houses of this module share."""
    async with databases.cloned(settings, "of_the_town") as ours:
        yield ours


@pytest_asyncio.fixture(scope="module")
async def town(build: Build, town_settings: Settings) -> Town:
    """Start two houses."""
    return build(town_settings, *HERE)


@asynccontextmanager
async def opened(
    kind: type[Gateway],
    folder: Path,
    servers: dict[str, str],
    addresses: tuple[str, ...],
    *,
    quick: bool = False,
) -> AsyncIterator[tuple[Gateway, Names]]:
    """Run a gateway that finds its servers under these addresses, until the block is left."""
    if not here(kind.program):
        pytest.skip(f"{kind.program} is not installed")
    async with naming(*addresses) as names:
        gateway = kind(folder, names.port, servers)
        gateway.write(quick=quick, addresses=addresses)
        gateway.start()
        try:
            yield gateway, names
        finally:
            gateway.stop()


async def answers(gateway: Gateway, client: ClientSession, *, status: int = 200) -> bool:
    """Tell whether the gateway answers so what only a house can answer well."""
    assert not gateway.ended, gateway.ended
    try:
        async with client.get("/livez") as response:
            return response.status == status
    except ClientError:
        return False


@pytest_asyncio.fixture(scope="module", params=KINDS)
async def gateway(
    request: pytest.FixtureRequest, town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """Run each gateway in front of the town."""
    folder = tmp_path_factory.mktemp(request.param) / "gateway"
    servers = {"PROXY_WEB": f"web:{town.port}"}
    async with opened(KINDS[request.param], folder, servers, HERE) as (made, _):
        async with made.client() as client:
            await until(lambda: answers(made, client))
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
