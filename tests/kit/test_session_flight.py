"""A request in flight during sign-out does not bring the session back; the test would see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, TCPConnector, web
from aiohttp.test_utils import TestServer
from aiohttp_session import Session
from redis import asyncio as aioredis

from kit.pages import EPOCH
from kit.session import Storage, handle_of
from tests.kit.records import key_of
from tests.support.clients import Client
from tests.users.forms import LOGOUT, ME, cookie_of, lives, me

IN_FLIGHT = 200
AT_ONCE = (
    20  # as many as there are connections to Redis: on a busy machine more would wait too long
)

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
    arrived, gate = asyncio.Semaphore(0), asyncio.Event()

    async def run(statuses: set[int]) -> int:
        row, key, cookie = await me(alice), key_of(alice), cookie_of(alice)

        async def wait_inside(*_: Any) -> dict[str, Any]:
            arrived.release()
            await gate.wait()
            return {**row, "created_at": EPOCH, "updated_at": EPOCH}

        monkeypatch.setattr("users.service.profiles.own_account", wait_inside)
        headers = {"Cookie": f"session={cookie}"}
        url = alice.make_url(ME)
        flying: list[asyncio.Task[ClientResponse]] = []
        while len(flying) < IN_FLIGHT:
            flying += [asyncio.create_task(_get(crowd, url, headers)) for _ in range(AT_ONCE)]
            async with asyncio.timeout(20):
                for _ in range(AT_ONCE):
                    await arrived.acquire()
        assert (await alice.post(LOGOUT)).status == 204
        assert not await redis.exists(key)
        gate.set()
        answers = await asyncio.gather(*flying)
        assert {response.status for response in answers} <= statuses
        cookies = [response for response in answers if "Set-Cookie" in response.headers]
        back = await lives(guest, cookie)
        return len(cookies) + await redis.exists(key) + back

    return run


async def _get(client: ClientSession, url: Any, headers: dict[str, str]) -> ClientResponse:
    async with client.get(url, headers=headers) as response:
        await response.read()
        return response


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
