"""A session's id: new at each sign-in, hidden in Redis, in a cookie that is well guarded."""

import re
from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from redis import asyncio as aioredis

from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.kit.doors import operations
from tests.kit.records import everything, immortal, key_of
from tests.support.clients import API, PASSWORD, Client, add_user, problem, sign_in
from tests.users.forms import LOGOUT, ME, PASSWORD_OF_ME, SESSIONS, cookie_of, lives, me

MADE_UP = ["x" * 43, "x", "", "session:x", "%00", "../../x", "x" * 4000, '"quoted"', "{}"]

GUARDS = {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"}


def guards_of(attributes: list[str]) -> set[str]:
    """Return a cookie's attributes but the date that repeats its Max-Age."""
    return {attribute for attribute in attributes if not attribute.startswith("expires=")}


class TestSignIn:
    async def test_makes_a_new_long_id_each_time(self, alice: Client) -> None:
        seen = [cookie_of(alice)]
        for _ in range(5):
            assert (await sign_in(alice, "alice")).status == 200
            seen.append(cookie_of(alice))
        assert len(set(seen)) == 6
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43,}", cookie) for cookie in seen)

    async def test_deletes_the_old_record(
        self, alice: Client, guest: Client, redis: aioredis.Redis
    ) -> None:
        old, cookie = key_of(alice), cookie_of(alice)
        await sign_in(alice, "alice")
        assert not await redis.exists(old)
        assert await redis.exists(key_of(alice))
        assert not await lives(guest, cookie)

    async def test_deletes_the_old_record_when_it_fails(
        self, alice: Client, redis: aioredis.Redis
    ) -> None:
        old = key_of(alice)
        await problem(await sign_in(alice, "alice", "wrong"), 401, "invalid-credentials")
        assert not await redis.exists(old)
        await problem(await alice.get(ME), 401, "not-signed-in")

    @pytest.mark.parametrize("planted", ["A" * 43, "short", "x" * 4000])
    async def test_takes_no_planted_id(
        self, guest: Client, house_database: Database, redis: aioredis.Redis, planted: str
    ) -> None:
        await add_user(house_database, "dora")
        guest.session.cookie_jar.update_cookies({"session": planted}, guest.make_url("/"))
        assert (await sign_in(guest, "dora")).status == 200
        assert cookie_of(guest) != planted
        assert len(await everything(redis)) == 2  # the record and the list of the user's


class TestSignOut:
    async def test_deletes_the_record(self, alice: Client, redis: aioredis.Redis) -> None:
        assert (await alice.post(LOGOUT)).status == 204
        assert [key for key in await everything(redis) if key.startswith(b"session:")] == []
        assert cookie_of(alice) == ""

    async def test_takes_the_cookie_back(self, alice: Client) -> None:
        response = await alice.post(LOGOUT)
        (header,) = response.headers.getall("Set-Cookie")
        morsel = SimpleCookie(header)["session"]
        assert (morsel.value, morsel["max-age"], morsel["path"]) == ("", "0", "/")


class TestRedisContent:
    async def test_gives_no_cookie_away_and_never_stays(
        self, alice: Client, bob: Client, visit: Callable[[], Client], redis: aioredis.Redis
    ) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        change = {"current_password": PASSWORD, "new_password": "new password"}
        assert (await alice.post(PASSWORD_OF_ME, json=change)).status == 204
        for client in (alice, bob):
            await me(client)
            assert (await client.get(SESSIONS)).status == 200
            text = str(await everything(redis))
            assert cookie_of(client) not in text
            assert cookie_of(client)[:20] not in text
        assert len(await everything(redis)) >= 4
        assert await immortal(redis) == []
        assert "new password" not in str(await everything(redis))


class TestGuest:
    @pytest.mark.parametrize("cookie", [None, *MADE_UP])
    async def test_gets_no_key_and_no_cookie(
        self, guest: Client, redis: aioredis.Redis, cookie: str | None
    ) -> None:
        headers = {} if cookie is None else {"Cookie": f"session={cookie}"}
        for operation in operations():
            response = await guest.request(operation.method, operation.address, headers=headers)
            if operation.route != LOGOUT:
                assert "Set-Cookie" not in response.headers, operation
        assert await everything(redis) == {}

    async def test_gets_none_from_a_failed_sign_in(
        self, guest: Client, redis: aioredis.Redis
    ) -> None:
        response = await sign_in(guest, "nobody")
        await problem(response, 401, "invalid-credentials")
        assert "Set-Cookie" not in response.headers
        assert await everything(redis) == {}


class TestCookie:
    async def test_is_guarded(self, alice: Client) -> None:
        (header,) = (await sign_in(alice, "alice")).headers.getall("Set-Cookie")
        name, *attributes = header.split("; ")
        assert name == f"session={cookie_of(alice)}"
        assert guards_of(attributes) == GUARDS

    async def test_is_tied_to_the_host_behind_tls(
        self, settings: Settings, house_database: Database, visit_at: VisitAt
    ) -> None:
        await add_user(house_database, "dora")
        client = await visit_at(replace(settings, cookie_secure=True), house_database)
        (header,) = (await sign_in(client, "dora")).headers.getall("Set-Cookie")
        pair, *attributes = header.split("; ")
        assert re.fullmatch(r"__Host-session=[\w-]{43,}", pair)
        assert guards_of(attributes) == GUARDS | {"Secure"}
        plain = {"Cookie": pair.removeprefix("__Host-")}
        await problem(await client.get(ME, headers=plain), 401, "not-signed-in")
        assert (await client.get(ME, headers={"Cookie": pair})).status == 200
        (gone,) = (await client.post(LOGOUT, headers={"Cookie": pair})).headers.getall(
            "Set-Cookie"
        )
        assert gone.startswith("__Host-session=")
        assert {"Secure", "Path=/", "Max-Age=0"} <= set(gone.split("; "))
        await problem(await client.get(ME, headers={"Cookie": pair}), 401, "not-signed-in")

    async def test_is_set_by_nothing_but_a_sign_in(self, alice: Client) -> None:
        for operation in operations():
            if operation.method in ("GET", "HEAD"):
                response = await alice.request(operation.method, operation.address)
                assert "Set-Cookie" not in response.headers, operation
        assert (await alice.get(f"{API}/nope")).headers.get("Set-Cookie") is None
