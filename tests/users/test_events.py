"""Hearing of a change ends the older sessions, though Redis was cut off after the commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest
import pytest_asyncio
from redis import asyncio as aioredis
from yarl import URL

from kit.cache import Cache
from kit.consumer import Event
from kit.db import Database
from kit.session import create_store
from kit.session_store import SessionStore
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.gates import Gate
from tests.support.clients import PASSWORD, Client, add_user, client_of, problem, sign_in
from tests.users.forms import ME, PASSWORD_OF_ME, SESSIONS, USERS, me
from tests.users.welcoming import recorded
from users.events import handlers

NEW = "a new password"
CHANGE = {"current_password": PASSWORD, "new_password": NEW}


@asynccontextmanager
async def gated_redis(settings: Settings) -> AsyncIterator[tuple[Settings, Gate]]:
    """Lead to Redis through a gate."""
    url = URL(settings.redis_url)
    assert url.port is not None
    gate = Gate(url.port)
    await gate.open()
    yield replace(settings, redis_url=str(url.with_port(gate.port))), gate
    await gate.shut()


class Door:
    """Visit a house whose Redis goes away with the next commit."""

    def __init__(self, server: Any, gate: Gate, database: Database) -> None:
        self.database = database
        self.gate = gate
        self.made: list[Client] = []
        self._server = server

    async def enter(self, password: str = PASSWORD) -> Client:
        """Make a client that is signed in as alice."""
        self.made.append(client_of(self._server))
        assert (await sign_in(self.made[-1], "alice", password)).status == 200
        return self.made[-1]


@pytest_asyncio.fixture
async def door(serve: Serve, settings: Settings, house_database: Database) -> AsyncIterator[Door]:
    """Serve the house, with Redis behind a gate."""
    async with gated_redis(settings) as (through, gate):
        opened = Door(await serve(through, house_database), gate, house_database)
        await add_user(house_database, "alice")
        yield opened
        for client in opened.made:
            await client.close()


def cut_after_the_commit(patch: pytest.MonkeyPatch, door: Door, late: list[Client]) -> None:
    """Let somebody sign in between the first end of all sessions and the commit; then cut."""
    genuine = SessionStore.end_all

    async def end_all(self: SessionStore, user_id: int, epoch: int = 0, keep: str = "") -> None:
        if epoch:
            await door.gate.shut()
        await genuine(self, user_id, epoch, keep)
        if not late:
            late.append(await door.enter())

    patch.setattr(SessionStore, "end_all", end_all)


async def hear(door: Door, redis: aioredis.Redis, settings: Settings, times: int = 1) -> None:
    """Handle all that was recorded, the oldest first, as a worker does."""
    known = handlers(Cache(redis), create_store(settings, redis))
    for row in await recorded(door.database):
        told = {name: row[name] for name in ("event_id", "topic", "key", "event_type")}
        event = Event(**told, payload=orjson.loads(row["payload"]))
        for _ in range(times):
            async with door.database.writing() as session:
                await known[event.topic, event.event_type](session, event)


async def lives(client: Client) -> bool:
    """Tell whether a client is still signed in; this address asks Redis alone."""
    status = (await client.get(SESSIONS)).status
    assert status in (200, 401)
    return status == 200


class TestRedisCutAfterTheCommit:
    @pytest.mark.parametrize("what", ["a changed password", "a deletion"])
    async def test_leaves_a_session_that_ends_when_the_change_is_heard_of(
        self,
        door: Door,
        redis: aioredis.Redis,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        what: str,
    ) -> None:
        alice, late = await door.enter(), list[Client]()
        act = partial(alice.post, PASSWORD_OF_ME, json=CHANGE)
        with monkeypatch.context() as patch:
            cut_after_the_commit(patch, door, late)
            changed = await (act() if what == "a changed password" else alice.delete(ME))
            await problem(changed, 503, "sessions-unavailable")
        await door.gate.open()
        assert await lives(late[0])  # which is the loss, as long as nobody hears of the change
        newer = [await door.enter(NEW)] if what == "a changed password" else []
        await hear(door, redis, settings, times=2)
        await problem(await late[0].get(SESSIONS), 401, "not-signed-in")
        assert not await lives(alice)
        assert [await lives(client) for client in newer] == [True] * len(newer)


class TestHearing:
    async def test_of_a_changed_password_leaves_the_session_that_changed_it(
        self, door: Door, redis: aioredis.Redis, settings: Settings
    ) -> None:
        alice = await door.enter()
        assert (await alice.post(PASSWORD_OF_ME, json=CHANGE)).status == 204
        newer = await door.enter(NEW)
        await hear(door, redis, settings, times=2)
        assert [await lives(alice), await lives(newer)] == [True, True]

    async def test_of_an_older_change_late_changes_nothing(
        self, door: Door, redis: aioredis.Redis, settings: Settings
    ) -> None:
        alice = await door.enter()
        for old, new in ((PASSWORD, NEW), (NEW, PASSWORD)):
            change = {"current_password": old, "new_password": new}
            assert (await alice.post(PASSWORD_OF_ME, json=change)).status == 204
        user_id = (await me(alice))["id"]
        before = await redis.get(f"user-epoch:{user_id}")
        await hear(door, redis, settings)
        assert await redis.get(f"user-epoch:{user_id}") == before == b"2"
        assert await lives(alice)

    async def test_of_a_changed_profile_ends_no_session_and_shows_the_new_one(
        self, door: Door, redis: aioredis.Redis, settings: Settings
    ) -> None:
        alice = await door.enter()
        address = f"{USERS}/{(await me(alice))['id']}"
        for name in ("Alicia", "Alina"):
            assert (await alice.patch(ME, json={"first_name": name})).status == 200
            await hear(door, redis, settings)
            assert (await (await alice.get(address)).json())["first_name"] == name
        assert await redis.keys("user-epoch:*") == []

    async def test_leaves_nothing_in_redis_for_ever(
        self, door: Door, redis: aioredis.Redis, settings: Settings
    ) -> None:
        alice = await door.enter()
        await alice.post(PASSWORD_OF_ME, json=CHANGE)
        await redis.flushall()
        await hear(door, redis, settings)
        assert [await redis.ttl(key) > 0 for key in await redis.keys()] == [True, True]
