"""A request in flight during sign-out does not bring the session back; the test would see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from aiohttp.test_utils import TestServer
from aiohttp_session import Session
from redis import asyncio as aioredis

from kit.pages import EPOCH
from kit.session import Storage, handle_of
from tests.kit.records import key_of
from tests.support.clients import Client
from tests.support.crowds import Gate
from tests.users.forms import LOGOUT, ME, cookie_of, lives, me

IN_FLIGHT = 200

Resurrections = Callable[[set[int]], Awaitable[int]]


@pytest_asyncio.fixture
async def crowd(server: TestServer) -> AsyncIterator[ClientSession]:
    """Give a client that may have any number of requests in flight."""
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as client:
        yield client


@pytest.fixture
def resurrections(
    alice: Client,
    guest: Client,
    crowd: ClientSession,
    redis: aioredis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> Resurrections:
    """Give the check: hold requests inside the house, sign out, let them end, look."""
    gate = Gate()

    async def run(statuses: set[int]) -> int:
        row, key, cookie = await me(alice), key_of(alice), cookie_of(alice)
        url, cookies = alice.make_url(ME), 0

        async def wait_inside(*_: Any) -> dict[str, Any]:
            await gate.wait()
            return {**row, "created_at": EPOCH, "updated_at": EPOCH}

        async def ask() -> int:
            nonlocal cookies
            async with crowd.get(url, headers={"Cookie": f"session={cookie}"}) as response:
                cookies += "Set-Cookie" in response.headers
                return response.status

        monkeypatch.setattr("users.service.profiles.own_account", wait_inside)
        flying = await gate.fill(IN_FLIGHT, ask, turned_away=503)
        assert (await alice.post(LOGOUT)).status == 204
        assert not await redis.exists(key)
        gate.open()
        assert set(await asyncio.gather(*flying)) <= statuses
        back = await lives(guest, cookie)
        return cookies + await redis.exists(key) + back

    return run


class WritesBack(Storage):
    """Write the whole record back after each request, as the library's own RedisStorage does."""

    async def load_session(self, request: web.Request) -> Session:
        session = await super().load_session(request)
        if session.identity:
            key = f"session:{handle_of(str(session.identity))}"
            request["record"] = key, await self._redis.hgetall(key)
            session.changed()
        return session

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        if session.empty or session.new:
            await super().save_session(request, response, session)
            return
        key, record = request["record"]
        if record:
            await self._redis.hset(key, mapping=record)
            await self._redis.expire(key, 600)


class TestSignOutWithRequestsInFlight:
    async def test_is_final(self, resurrections: Resurrections) -> None:
        assert await resurrections({200}) == 0


class TestStockStorage:
    @pytest.fixture(autouse=True)
    def sabotage(self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
        """Build the house with the storage that writes records back."""
        monkeypatch.setattr("kit.session.Storage", WritesBack)

    async def test_brings_the_session_back(self, resurrections: Resurrections) -> None:
        # Saving is work for Redis too: it may be too much for a busy machine.
        assert await resurrections({200, 503}) > 0
