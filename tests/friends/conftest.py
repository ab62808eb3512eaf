"""Two set-ups for the whole suite: friends as a neighbour of users, and as a microservice."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis import asyncio as aioredis
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

import monolith
from kit.db import Database, database
from kit.engine import create_engine
from kit.settings import Settings
from tests.friends.people import Open, Person, Town, friends_alone, users_alone
from tests.kit import conftest as of_kit
from tests.support import databases
from tests.support.conformity import Watch
from tests.support.shops import run

Beside = Callable[[str], Awaitable[Town]]

BOOKKEEPING = ("SAVEPOINT", "RELEASE", "ROLLBACK")

log_text, log_lines = of_kit.log_text, of_kit.log_lines


@pytest_asyncio.fixture
async def open_door(redis: aioredis.Redis) -> AsyncIterator[Open]:
    """Give a way to serve an application; all its answers must fit their schemas."""
    async with AsyncExitStack() as stack:
        watch = Watch()

        async def start(app: web.Application) -> TestServer:
            app.on_response_prepare.append(watch)
            server = TestServer(app, access_log=None)
            await server.start_server()
            stack.push_async_callback(server.close)
            return server

        yield start
    assert watch.found == []


@pytest_asyncio.fixture(scope="session")
async def friends_settings(bare_settings: Settings, settings: Settings) -> AsyncIterator[Settings]:
    """Point at a database in which only friendships are kept; `settings` made the template."""
    async with databases.cloned(bare_settings, "of_friends_alone") as ours:
        yield ours


@pytest_asyncio.fixture(scope="session")
async def friends_engine(friends_settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Keep one engine on that database for all tests of this worker."""
    made = create_engine(friends_settings)
    yield made
    await made.dispose()


@pytest_asyncio.fixture
async def friends_database(friends_engine: AsyncEngine) -> AsyncIterator[Database]:
    """Open that database inside a transaction of this test."""
    async with databases.undone(friends_engine) as (opened, _):
        yield opened


@pytest_asyncio.fixture
async def neighbour(
    open_door: Open, settings: Settings, house_database: Database
) -> AsyncIterator[Town]:
    """Serve the whole house."""
    house = await open_door(monolith.create_app(settings, database=house_database))
    town = Town(house, house, house_database, house_database)
    yield town
    await town.close()


@pytest_asyncio.fixture
async def microservice(
    open_door: Open,
    settings: Settings,
    friends_settings: Settings,
    house_database: Database,
    friends_database: Database,
) -> AsyncIterator[Town]:
    """Serve users and friends, each with a database of its own; they share the sessions."""
    users = await open_door(users_alone(settings, house_database))
    app = friends_alone(friends_settings, users.make_url(""), friends_database)
    town = Town(users, await open_door(app), house_database, friends_database)
    yield town
    await town.close()


@pytest_asyncio.fixture
async def beside(
    open_door: Open,
    settings: Settings,
    house_database: Database,
    friends_settings: Settings,
    friends_engine: AsyncEngine,
) -> AsyncIterator[Beside]:
    """Give a way to serve friends beside any users service; people sign in at a real one."""
    users = await open_door(users_alone(settings, house_database))
    opened, made = database(friends_engine), []

    async def serve(url: str) -> Town:
        door = await open_door(friends_alone(friends_settings, url))
        made.append(Town(users, door, house_database, opened))
        return made[-1]

    yield serve
    for town in made:
        await town.close()
    await run(opened, "DELETE FROM friendships")


@pytest.fixture(params=["neighbour", "microservice"])
def town(request: pytest.FixtureRequest) -> Town:
    """Give both set-ups, one after the other."""
    served: Town = request.getfixturevalue(request.param)
    return served


@pytest_asyncio.fixture
async def anna(town: Town) -> Person:
    """Sign in a user."""
    return await town.enter("anna")


@pytest_asyncio.fixture
async def boris(town: Town) -> Person:
    """Sign in another user."""
    return await town.enter("boris")


@pytest_asyncio.fixture
async def clara(town: Town) -> Person:
    """Sign in a third user."""
    return await town.enter("clara")


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements of all engines; `clear()` the list before what is measured."""
    seen: list[str] = []

    def see(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith(BOOKKEEPING):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    yield seen
    event.remove(Engine, "before_cursor_execute", see)
