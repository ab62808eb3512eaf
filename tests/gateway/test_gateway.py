"""What clients meet at nginx and at HAProxy, with two real houses behind each."""

import pytest_asyncio
from aiohttp import ClientSession, hdrs
from redis import asyncio as aioredis
from yarl import URL

from kit.db import database
from kit.engine import create_engine
from kit.guards import HEADERS
from tests.gateway.gateways import Gateway
from tests.gateway.town import LIMIT, Town, Visit, own_id
from tests.support.clients import API, PASSWORD, add_user, problem

HSTS = "Strict-Transport-Security"
APPLICATION = {"user_name": "Ann", "description": "A room."}


@pytest_asyncio.fixture
async def alice(visit: Visit, town: Town, redis: aioredis.Redis) -> ClientSession:
    """Sign in through the gateway."""
    engine, name = create_engine(town.settings), own_id()["X-Request-ID"][:32]
    await add_user(database(engine), name)
    await engine.dispose()
    client = visit()
    credentials = {"login": name, "password": PASSWORD}
    async with client.post(f"{API}/auth/login", json=credentials) as response:
        assert response.status == 200, await response.text()
    return client


class TestGuests:
    async def test_read_what_is_open(self, visit: Visit) -> None:
        async with visit().get(f"{API}/shop/books?q=a") as response:
            assert response.status == 200
            assert response.headers.getall(HSTS) == ["max-age=63072000"]
            assert len(response.headers.getall("X-Request-ID")) == 1
            assert "/" not in response.headers.get("Server", "")

    async def test_are_refused_before_the_house_sees_the_address(
        self, visit: Visit, town: Town
    ) -> None:
        for method, path in (("GET", "shop/cart"), ("POST", "picnic/cities"), ("GET", "users/7")):
            sent = own_id()
            async with visit().request(method, f"{API}/{path}?x=1", headers=sent) as response:
                told = await problem(response, 401, "not-signed-in")
                assert told["instance"] == f"{API}/{path}"
                assert response.headers.getall(hdrs.WWW_AUTHENTICATE) == [
                    'Session realm="shop-api"'
                ]
                assert response.headers.getall(HSTS)
                for name, value in HEADERS.items():
                    assert response.headers.getall(name) == [value]
            assert town.routes(sent["X-Request-ID"]) == [f"{API}/auth/sessions"]

    async def test_with_a_made_up_cookie_are_refused_too(self, visit: Visit, town: Town) -> None:
        sent = own_id() | {"Cookie": f"__Host-session={'x' * 43}"}
        async with visit().get(f"{API}/friends", headers=sent) as response:
            await problem(response, 401, "not-signed-in")
        assert town.routes(sent["X-Request-ID"]) == [f"{API}/auth/sessions"]

    async def test_reach_what_is_open_under_the_same_path(self, visit: Visit) -> None:
        async with visit().post(f"{API}/users", json={}) as response:
            await problem(response, 422, "validation-failed")
        async with visit().get(f"{API}/picnic/picnics") as response:
            assert response.status == 200

    async def test_do_not_see_what_is_measured(
        self, visit: Visit, gateway: Gateway, town: Town
    ) -> None:
        for path in ("/metrics", "/metrics/", "/%6Detrics", "//metrics", "/./metrics"):
            sent = own_id()
            url = URL(gateway.url + path, encoded=True)
            async with visit().get(url, headers=sent) as response:
                await problem(response, 404, "not-found")
            assert town.routes(sent["X-Request-ID"]) == []


class TestMembers:
    async def test_get_in_with_a_cookie_that_is_bound_to_the_host(
        self, alice: ClientSession, town: Town
    ) -> None:
        assert {cookie.key for cookie in alice.cookie_jar} == {"__Host-session"}
        sent = own_id()
        async with alice.get(f"{API}/users/me", headers=sent) as response:
            assert response.status == 200
        assert sorted(town.routes(sent["X-Request-ID"])) == [
            f"{API}/auth/sessions",
            f"{API}/users/me",
        ]

    async def test_change_things_from_the_own_site_only(
        self, alice: ClientSession, gateway: Gateway
    ) -> None:
        for origin, status in ((gateway.url, 200), ("https://elsewhere.example", 403)):
            sent = {"Origin": origin}
            async with alice.delete(f"{API}/shop/cart", headers=sent) as response:
                assert response.status == status

    async def test_are_out_after_signing_out(self, alice: ClientSession) -> None:
        async with alice.post(f"{API}/auth/logout") as response:
            assert response.status == 204
        async with alice.get(f"{API}/users/me") as response:
            await problem(response, 401, "not-signed-in")


class TestBodies:
    async def test_are_refused_when_they_are_too_large(self, visit: Visit, town: Town) -> None:
        sent = own_id()
        async with visit().post("/applications", data=b"x" * 65_537, headers=sent) as response:
            await problem(response, 413, "payload-too-large")
        assert town.routes(sent["X-Request-ID"]) == []

    async def test_are_measured_when_nobody_says_how_large_they_are(self, visit: Visit) -> None:
        async def drops() -> object:
            for _ in range(70):
                yield b" " * 1024

        sent = {"Content-Type": "application/json"}
        async with visit().post("/applications", data=drops(), headers=sent) as response:
            await problem(response, 413, "payload-too-large")


class TestCallers:
    async def test_are_counted_by_the_address_that_they_really_have(
        self, visit: Visit, redis: aioredis.Redis
    ) -> None:
        statuses = []
        for number in range(2 * LIMIT + 1):  # without Redis each of the two houses counts alone
            said = f"203.0.113.{number}"
            sent = {"X-Forwarded-For": said, "X-Real-IP": said, "Forwarded": f"for={said}"}
            async with visit("127.0.0.7").post(
                "/applications", json=APPLICATION, headers=sent
            ) as response:
                statuses.append(response.status)
        assert (statuses[0], statuses[-1]) == (201, 429)
        async with visit("127.0.0.8").post("/applications", json=APPLICATION) as response:
            assert response.status == 201
