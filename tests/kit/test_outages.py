"""PostgreSQL or Redis away: public reads go on, the rest is 503 soon, nobody is signed out."""

import time
from typing import Any

import pytest
from aiohttp import ClientResponse
from redis import asyncio as aioredis

from kit.db import Database
from kit.session import handle_of
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.kit.doors import operations
from tests.support.clients import API, PASSWORD, Client, add_user, problem
from tests.users.forms import ME, cookie_of, sign_up_form

COOKIE = {"Cookie": f"session={'x' * 43}"}
CREDENTIALS = {"login": "alice", "password": PASSWORD}
PUBLIC = [
    operation
    for operation in operations()
    if operation.method == "GET" and operation.declared and operation.declared.guest
]
CLOSED = [x for x in operations() if x.declared and not x.declared.guest]


async def unavailable(response: ClientResponse, code: str) -> dict[str, Any]:
    """Assert that something is away and that the client keeps what it has."""
    document = await problem(response, 503, code)
    assert response.headers["Retry-After"].isdigit()
    assert "Set-Cookie" not in response.headers
    return document


class TestRedisAway:
    @pytest.mark.parametrize("headers", [{}, COOKIE])
    async def test_public_reads_go_on(
        self,
        visit_at: VisitAt,
        without_redis: Settings,
        house_database: Database,
        headers: dict[str, str],
    ) -> None:
        client = await visit_at(without_redis, house_database)
        for operation in PUBLIC:
            response = await client.get(operation.address, headers=headers)
            assert response.status in (200, 404), operation

    async def test_what_is_closed_is_unavailable_soon(
        self, visit_at: VisitAt, without_redis: Settings, house_database: Database
    ) -> None:
        client = await visit_at(without_redis, house_database)
        for operation in CLOSED:
            started = time.perf_counter()
            response = await client.request(operation.method, operation.address, headers=COOKIE)
            assert time.perf_counter() - started <= 1.5
            if operation.method != "HEAD":
                await unavailable(response, "sessions-unavailable")
            assert response.status == 503

    async def test_a_guest_is_still_only_a_guest(
        self, visit_at: VisitAt, without_redis: Settings, house_database: Database
    ) -> None:
        client = await visit_at(without_redis, house_database)
        await problem(await client.get(ME), 401, "not-signed-in")

    async def test_nobody_signs_in_or_out(
        self, visit_at: VisitAt, without_redis: Settings, house_database: Database
    ) -> None:
        await add_user(house_database, "alice")
        client = await visit_at(without_redis, house_database)
        response = await client.post(f"{API}/auth/login", json=CREDENTIALS)
        await unavailable(response, "sessions-unavailable")
        response = await client.post(f"{API}/auth/logout", headers=COOKIE)
        await unavailable(response, "sessions-unavailable")

    async def test_a_session_outlives_the_outage(
        self, visit_at: VisitAt, without_redis: Settings, house_database: Database, alice: Client
    ) -> None:
        client = await visit_at(without_redis, house_database)
        headers = {"Cookie": f"session={cookie_of(alice)}"}
        await unavailable(await client.get(ME, headers=headers), "sessions-unavailable")
        assert (await alice.get(ME)).status == 200

    @pytest.mark.parametrize(
        "reply", ["-LOADING busy", "-READONLY replica", "-OOM full", "-ERR x"]
    )
    async def test_an_error_of_redis_is_an_outage(
        self, alice: Client, monkeypatch: pytest.MonkeyPatch, reply: str
    ) -> None:
        async def refuse(*_: Any, **__: Any) -> None:
            raise aioredis.ResponseError(reply)

        monkeypatch.setattr("kit.session_store.SessionStore.load", refuse)
        await unavailable(await alice.get(ME), "sessions-unavailable")


class TestMalformedRecord:
    async def test_is_no_session(self, alice: Client, redis: aioredis.Redis) -> None:
        key = f"session:{handle_of(cookie_of(alice))}"
        await redis.delete(key)
        await redis.set(key, b"\xff\xfe{not a record", ex=60)
        await problem(await alice.get(ME), 401, "not-signed-in")
        assert not await redis.exists(key)


class TestPostgresqlAway:
    async def test_what_needs_it_is_unavailable(
        self, visit_at: VisitAt, without_postgresql: Settings
    ) -> None:
        client = await visit_at(without_postgresql, None)
        for operation in PUBLIC:
            await unavailable(await client.get(operation.address), "database-unavailable")
        response = await client.post(f"{API}/users", json=sign_up_form())
        await unavailable(response, "database-unavailable")
        response = await client.post(f"{API}/auth/login", json=CREDENTIALS)
        await unavailable(response, "database-unavailable")

    async def test_a_session_is_still_known(
        self, visit_at: VisitAt, without_postgresql: Settings, alice: Client
    ) -> None:
        client = await visit_at(without_postgresql, None)
        headers = {"Cookie": f"session={cookie_of(alice)}"}
        await unavailable(await client.get(ME, headers=headers), "database-unavailable")
        response = await client.post(f"{API}/auth/login", json=CREDENTIALS, headers=headers)
        await unavailable(response, "database-unavailable")
        assert (await client.get(f"{API}/auth/sessions", headers=headers)).status == 200
