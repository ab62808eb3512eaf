"""Real servers for the whole run, one transaction per test, clients that are signed in."""

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis import asyncio as aioredis
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import monolith
from embedded import kafka, postgres, valkey
from kit.db import Database, database
from kit.engine import create_engine
from kit.redis import create_redis
from kit.settings import Settings
from tests.support import canaries, databases
from tests.support.clients import Client, add_user, client_of, sign_in
from tests.support.conformity import Watch
from tests.support.settings import make_settings

Fresh = Callable[[], Awaitable[Settings]]
Serve = Callable[[Settings, Database | None], Awaitable[TestServer]]
canary_watch, no_canary = canaries.canary_watch, canaries.no_canary


@pytest.fixture(scope="session")
def kafka_servers() -> Iterator[str]:
    """Give the broker that TEST_KAFKA names, or one of this worker's own."""
    if named := os.environ.get("TEST_KAFKA"):
        yield named
        return
    with kafka.server() as broker:
        yield broker.address


@pytest.fixture(scope="session")
def bare_settings(
    tmp_path_factory: pytest.TempPathFactory, kafka_servers: str
) -> Iterator[Settings]:
    """Start this worker's own servers."""
    folder = tmp_path_factory.mktemp("servers")
    with (
        postgres.server(folder / "postgres", durable=False) as database_url,
        valkey.server(folder / "valkey", durable=False) as redis_url,
    ):
        yield make_settings(database_url, redis_url, kafka_servers)


@pytest_asyncio.fixture(scope="session")
async def settings(bare_settings: Settings) -> AsyncIterator[Settings]:
    """Point at this worker's migrated, empty database."""
    await databases.make_template(bare_settings)
    async with databases.cloned(bare_settings, "of_this_worker") as ours:
        yield ours


_numbers = itertools.count(1)


@pytest_asyncio.fixture
async def fresh_database(settings: Settings, redis: aioredis.Redis) -> AsyncIterator[Fresh]:
    """Give a way to make migrated, empty databases that last for one test.

    Their ids begin at 1, so Valkey must have forgotten the users of other tests.
    """
    async with AsyncExitStack() as stack:

        async def make() -> Settings:
            name = f"fresh_{next(_numbers)}"
            return await stack.enter_async_context(databases.cloned(settings, name))

        yield make


@pytest_asyncio.fixture(scope="session")
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Keep one engine for all tests of this worker."""
    made = create_engine(settings)
    yield made
    await made.dispose()


@pytest_asyncio.fixture
async def undone(engine: AsyncEngine) -> AsyncIterator[tuple[Database, AsyncConnection]]:
    """Open the transaction that this test works in."""
    async with databases.undone(engine) as opened:
        yield opened


@pytest.fixture
def house_database(undone: tuple[Database, AsyncConnection]) -> Database:
    """Give the database that the application of this test uses."""
    return undone[0]


@pytest_asyncio.fixture
async def redis(settings: Settings) -> AsyncIterator[aioredis.Redis]:
    """Give a client of this worker's own Valkey, emptied."""
    client = create_redis(settings)
    await client.flushall()
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def serve(redis: aioredis.Redis) -> AsyncIterator[Serve]:
    """Give a way to serve an application; all its answers must fit their schemas."""
    async with AsyncExitStack() as stack:
        watch = Watch()

        async def start(settings: Settings, opened: Database | None = None) -> TestServer:
            app: web.Application = monolith.create_app(settings, database=opened)
            app.on_response_prepare.append(watch)
            server = TestServer(app, access_log=None)
            await server.start_server()
            stack.push_async_callback(server.close)
            return server

        yield start
    assert watch.found == []


@pytest_asyncio.fixture
async def server(serve: Serve, settings: Settings, house_database: Database) -> TestServer:
    """Serve the house inside this test's transaction."""
    return await serve(settings, house_database)


@pytest_asyncio.fixture
async def visit(server: TestServer) -> AsyncIterator[Callable[[], Client]]:
    """Give a way to make clients of this test's house."""
    made: list[Client] = []

    def make() -> Client:
        made.append(client_of(server))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest_asyncio.fixture
async def guest(visit: Callable[[], Client]) -> Client:
    """Visit without signing in."""
    return visit()


async def _signed_in(
    client: Client, opened: Database, name: str, *, staff: bool = False
) -> Client:
    await add_user(opened, name, is_staff=staff)
    response = await sign_in(client, name)
    assert response.status == 200, await response.text()
    return client


@pytest_asyncio.fixture
async def alice(visit: Callable[[], Client], house_database: Database) -> Client:
    """Visit as a user."""
    return await _signed_in(visit(), house_database, "alice")


@pytest_asyncio.fixture
async def bob(visit: Callable[[], Client], house_database: Database) -> Client:
    """Visit as another user."""
    return await _signed_in(visit(), house_database, "bob")


@pytest_asyncio.fixture
async def staff(visit: Callable[[], Client], house_database: Database) -> Client:
    """Visit as a staff user."""
    return await _signed_in(visit(), house_database, "sam", staff=True)


@pytest_asyncio.fixture
async def busy_settings(fresh_database: Fresh) -> Settings:
    """Point at a database of its own, for tests that need real concurrency."""
    return await fresh_database()


@pytest_asyncio.fixture
async def other_database(busy_settings: Settings) -> AsyncIterator[Database]:
    """Open that database from somewhere else."""
    made = create_engine(busy_settings)
    yield database(made)
    await made.dispose()


@pytest_asyncio.fixture
async def busy_database(busy_settings: Settings) -> AsyncIterator[Database]:
    """Open that database with a real pool."""
    made = create_engine(busy_settings)
    yield database(made)
    await made.dispose()
