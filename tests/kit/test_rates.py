"""How often a visitor may send: 20 in a minute over all workers, and also while Redis is away."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from aiohttp import ClientResponse
from redis import asyncio as aioredis

from embedded import valkey
from kit.db import Database
from kit.redis import REDIS
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.kit.limiting import count_checks, frozen, post_at_once, two_workers
from tests.support.clients import API, PASSWORD, Client, add_user, problem, sign_in
from tests.users.forms import cookie_of

PREFIXED, SHORT = f"{API}/applications", "/applications"
FORM = {"user_name": "Ann", "description": "Take me."}
LIMIT, COOKIE = 20, {"Cookie": f"session={'x' * 43}"}

Enter = Callable[..., Awaitable[Client]]
BACKENDS = [("redis", 20, 20), pytest.param("memory", 21, 40, marks=pytest.mark.chaos)]


@pytest.fixture
def enter(visit_at: VisitAt, settings: Settings, house_database: Database) -> Enter:
    """Give a way to visit a house with some settings changed."""
    return lambda **changes: visit_at(replace(settings, **changes), house_database)


async def paces(client: Client, number: int, **options: Any) -> tuple[Counter[int], list[float]]:
    """Send applications one after another; return the statuses and the seconds that each took."""
    statuses, took = Counter[int](), []
    for _ in range(number):
        started = time.monotonic()
        response = await client.post(PREFIXED, json=FORM, **options)
        took.append(time.monotonic() - started)
        statuses[response.status] += 1
        told(response)
    return statuses, took


async def send(client: Client, number: int = 1, **options: Any) -> Counter[int]:
    """Send applications one after another; count the statuses."""
    return (await paces(client, number, **options))[0]


def told(response: ClientResponse) -> tuple[int, int]:
    """Return the limit and what remains of it, once the other headers have been found right."""
    limit, remaining, reset = (
        int(response.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")
    )
    policy, _, period = response.headers["RateLimit-Policy"].partition(";w=")
    assert policy == str(limit)
    assert 1 <= reset <= int(period)
    return limit, remaining


async def too_many(response: ClientResponse, period: int = 60) -> int:
    """Assert that the limit is reached; return the seconds to wait."""
    await problem(response, 429, "too-many-requests")
    assert told(response)[1] == 0
    wait = int(response.headers["Retry-After"])
    assert 1 <= wait <= period
    return wait


class TestLimit:
    async def test_lets_twenty_in_and_says_what_remains(self, guest: Client) -> None:
        for number in range(LIMIT):
            response = await guest.post([PREFIXED, SHORT][number % 2], json=FORM)
            assert (response.status, told(response)) == (201, (LIMIT, LIMIT - 1 - number))
            assert response.headers["RateLimit-Policy"] == "20;w=60"
        for path in (PREFIXED, SHORT):
            assert await too_many(await guest.post(path, json=FORM)) >= 50

    async def test_counts_what_is_refused_as_well(self, guest: Client) -> None:
        for number in range(LIMIT):
            response = await guest.post(PREFIXED, json={})
            assert (response.status, told(response)) == (422, (LIMIT, LIMIT - 1 - number))
        await too_many(await guest.post(PREFIXED, json={}))

    async def test_is_for_sending_only(self, guest: Client) -> None:
        for path in (PREFIXED, SHORT) * (LIMIT + 1):
            response = await guest.get(path)
            assert response.status == 200
            assert not [name for name in response.headers if name.startswith("RateLimit")]
        assert told(await guest.post(PREFIXED, json=FORM)) == (LIMIT, LIMIT - 1)

    async def test_is_of_the_user_and_else_of_the_address(
        self, alice: Client, bob: Client, guest: Client, visit: Callable[[], Client]
    ) -> None:
        for client in (alice, guest, bob):
            assert await send(client, 21) == {201: 20, 429: 1}
        elsewhere = visit()
        assert await send(elsewhere, headers=COOKIE) == {429: 1}
        await sign_in(elsewhere, "alice")
        assert await send(elsewhere) == {429: 1}

    async def test_is_not_dodged_by_made_up_addresses(self, guest: Client) -> None:
        found = Counter[int]()
        for n in range(300):
            headers = {"X-Forwarded-For": f"203.0.{n // 256}.{n % 256}, 127.0.0.1"}
            found += await send(guest, headers=headers)
        assert found == {201: 20, 429: 280}

    async def test_is_of_each_address_behind_a_trusted_proxy(self, enter: Enter) -> None:
        client = await enter(trusted_proxies=(ip_network("127.0.0.0/8"),))
        for address in ("198.51.100.7", "198.51.100.8", "2001:db8::1"):
            headers = {"X-Forwarded-For": f"203.0.113.9, {address}"}
            assert await send(client, 21, headers=headers) == {201: 20, 429: 1}
        assert await send(client, headers={"X-Forwarded-For": "2001:db8::2"}) == {429: 1}

    @pytest.mark.parametrize(("backend", "keys"), [("redis", 1), ("memory", 0)])
    async def test_is_what_the_settings_say(
        self, enter: Enter, redis: aioredis.Redis, backend: str, keys: int
    ) -> None:
        limit = {"rate_limiter_calls": 3, "rate_limiter_period": timedelta(seconds=1)}
        client = await enter(rate_limiter_backend=backend, **limit)
        assert await send(client, 3) == {201: 3}
        response = await client.post(PREFIXED, json=FORM)
        assert len(await redis.keys("limit:*")) == keys
        await asyncio.sleep(await too_many(response, 1))
        response = await client.post(PREFIXED, json=FORM)
        assert (response.status, response.headers["RateLimit-Policy"]) == (201, "3;w=1")


async def counts_in_redis(client: Client, within: float) -> bool:
    """Tell whether new visitors are counted in Redis, at the latest after some seconds."""
    redis, end = client.app[REDIS], time.monotonic() + within
    known, numbers = len(await redis.keys("limit:*")), itertools.count(1)
    while time.monotonic() < end:
        await send(client, headers={"X-Forwarded-For": f"2001:db8:{next(numbers):x}::1"})
        if len(await redis.keys("limit:*")) > known:
            return True
    return False


class TestRedisAway:
    @pytest.mark.parametrize("headers", [{}, COOKIE])
    async def test_counts_in_memory(
        self, visit_at: VisitAt, without_redis: Settings, house_database: Database, headers: Any
    ) -> None:
        client = await visit_at(without_redis, house_database)
        statuses, took = await paces(client, 21, headers=headers)
        assert statuses == {201: 20, 429: 1}
        assert (max(took) <= 1.5, median(took) <= 0.2) == (True, True), took

    @pytest.mark.parametrize("headers", [{}, COOKIE])
    async def test_counts_in_memory_while_it_is_silent_and_then_in_redis_again(
        self, enter: Enter, tmp_path: Path, headers: dict[str, str]
    ) -> None:
        with valkey.server(tmp_path, durable=False) as url:
            client = await enter(redis_url=url, trusted_proxies=(ip_network("127.0.0.1"),))
            assert await send(client, headers=headers) == {201: 1}
            with frozen(url):
                statuses, took = await paces(client, 1, headers=headers)
                assert (statuses, took[0] <= 1.5) == ({201: 1}, True), took
                statuses, took = await paces(client, 20, headers=headers)
            assert 1 <= statuses[429] == 20 - statuses[201] <= 2  # the one in Redis may count
            assert (max(took) <= 1.5, median(took) <= 0.2) == (True, True), took
            assert await counts_in_redis(client, within=2)

    async def test_nobody_signs_in_and_nothing_is_hashed(
        self,
        visit_at: VisitAt,
        without_redis: Settings,
        house_database: Database,
        monkeypatch: Any,
    ) -> None:
        await add_user(house_database, "alice")
        client, checks = await visit_at(without_redis, house_database), count_checks(monkeypatch)
        for password in [PASSWORD, "wrong password"] * 8:
            await problem(await sign_in(client, "alice", password), 503, "sessions-unavailable")
        assert not checks
        assert not cookie_of(client)


@pytest.mark.concurrent
@pytest.mark.usefixtures("redis")
class TestTwoWorkers:
    @pytest.mark.parametrize(("backend", "least", "most"), BACKENDS)
    async def test_let_twenty_in_unless_each_counts_alone(
        self, busy_settings: Settings, tmp_path: Path, backend: str, least: int, most: int
    ) -> None:
        with two_workers(busy_settings, tmp_path / "log", RATE_LIMITER_BACKEND=backend) as url:
            floods = [await post_at_once(url, PREFIXED, [FORM] * 60) for _ in range(5)]
        assert {status for flood in floods for status in flood} == {201, 429}
        assert least <= sum(flood[201] for flood in floods) <= most
