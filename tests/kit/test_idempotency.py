"""Idempotency keys: what is one, for whom and for what and for how long it is good."""

from dataclasses import replace

import pytest
from multidict import CIMultiDict
from redis import asyncio as aioredis

from kit import idempotency_keys, worker
from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.kit.doors import request, talk
from tests.support.clients import API, PASSWORD, Client, add_user, problem, sign_in
from tests.support.keys import (
    APPLICATIONS,
    BARE,
    KEY,
    ORDERS,
    again,
    application,
    is_first,
    keys,
    post,
    sent_in,
)
from tests.support.shops import SHOP, add_offer, lines, run, value, written

AGE = "UPDATE idempotency_keys SET created_at = now() - CAST(:age AS text)::interval"
DAY = "24 hours"
OLDER = "24 hours 1 microsecond"


class TestKey:
    @pytest.mark.parametrize("key", ["", "k" * 256, "a b", "a\tb", "ключ", "k\u00e9y", "\u00a0"])
    async def test_that_is_none_is_refused(
        self, guest: Client, house_database: Database, key: str
    ) -> None:
        refused = await post(guest, key, APPLICATIONS, json=application())
        (complaint,) = (await problem(refused, 422, "validation-failed"))["errors"]
        assert complaint.keys() == {"parameter", "message"}
        assert complaint["parameter"] == KEY
        assert (await sent_in(house_database), await keys(house_database)) == ((0, 0), 0)

    @pytest.mark.parametrize("twice", [("a", "a"), ("a", "b"), ("a", "")])
    async def test_is_one(
        self, alice: Client, house_database: Database, twice: tuple[str, str]
    ) -> None:
        headers = CIMultiDict([(KEY, key) for key in twice])
        body = lines((await add_offer(house_database), 1))
        refused = await alice.post(ORDERS, json=body, headers=headers)
        (complaint,) = (await problem(refused, 422, "validation-failed"))["errors"]
        assert complaint["parameter"] == KEY
        assert await written(house_database) == (0, 0, 0)

    @pytest.mark.parametrize("key", ["k" * 255, "!", "~", '"quoted"', "a,b", "\\';--%s"])
    async def test_is_any_visible_ascii(
        self, guest: Client, house_database: Database, key: str
    ) -> None:
        first = await post(guest, key, APPLICATIONS, json=application())
        assert first.status == 201
        await again(first, await post(guest, key, APPLICATIONS, json=application()))
        assert await sent_in(house_database) == (1, 1)

    @pytest.mark.parametrize("byte", ["\x00", "\x01", "\x1b", "\x7f"])
    async def test_with_a_control_character_is_not_even_http(
        self, raw_port: int, house_database: Database, byte: str
    ) -> None:
        answer = await talk(raw_port, request("POST", APPLICATIONS, f"{KEY}: a{byte}b"))
        answer.problem(400, "malformed-request")
        assert await keys(house_database) == 0

    @pytest.mark.parametrize("key", ["a", "", "a b"])
    async def test_means_nothing_elsewhere(
        self, alice: Client, house_database: Database, key: str
    ) -> None:
        item, headers = f"{SHOP}/cart/items/{await add_offer(house_database)}", {KEY: key}
        for quantity in (1, 2):
            cart = await alice.put(item, json={"quantity": quantity}, headers=headers)
            assert (cart.status, is_first(cart)) == (200, True)
            assert (await cart.json())["items"][0]["quantity"] == quantity
        for path in (APPLICATIONS, BARE, ORDERS):
            for method in ("GET", "HEAD"):
                listed = await alice.request(method, path, headers=headers)
                assert (listed.status, is_first(listed)) == (200, True)
        credentials = {"login": "alice", "password": PASSWORD}
        entered = await alice.post(f"{API}/auth/login", json=credentials, headers=headers)
        assert (entered.status, is_first(entered)) == (200, True)
        assert await keys(house_database) == 0


class TestReach:
    async def test_of_a_key_is_one_operation(
        self, alice: Client, house_database: Database
    ) -> None:
        body = lines((await add_offer(house_database), 1))
        for _ in range(2):
            assert (await post(alice, "a", json=body)).status == 201
            assert (await post(alice, "a", APPLICATIONS, json=application())).status == 201
        assert (await written(house_database))[:2] == (1, 1)
        assert await sent_in(house_database) == (1, 2)

    @pytest.mark.parametrize(("one", "other"), [(BARE, APPLICATIONS), (APPLICATIONS, BARE)])
    async def test_of_a_key_is_one_operation_by_whichever_address(
        self, guest: Client, house_database: Database, one: str, other: str
    ) -> None:
        first = await post(guest, "a", one, json=application())
        assert first.headers["Location"].startswith(f"{one}/")
        await again(first, await post(guest, "a", other, json=application()))
        assert await sent_in(house_database) == (1, 1)

    async def test_of_a_guests_key_goes_on_when_he_signs_in(
        self, guest: Client, house_database: Database
    ) -> None:
        first = await post(guest, "a", APPLICATIONS, json=application())
        await add_user(house_database, "carol")
        assert (await sign_in(guest, "carol")).status == 200
        await again(first, await post(guest, "a", APPLICATIONS, json=application()))
        other = await post(guest, "a", APPLICATIONS, json=application(description="No."))
        await problem(other, 422, "idempotency-key-reused")
        assert await sent_in(house_database) == (1, 1)

    async def test_does_not_end_when_redis_forgets(
        self, alice: Client, guest: Client, house_database: Database, redis: aioredis.Redis
    ) -> None:
        body = lines((await add_offer(house_database), 1))
        placed = await post(alice, "a", json=body)
        sent = await post(guest, "a", APPLICATIONS, json=application())
        await redis.flushall()
        await problem(await post(alice, "a", json=body), 401, "not-signed-in")
        assert (await sign_in(alice, "alice")).status == 200
        await again(placed, await post(alice, "a", json=body))
        await again(sent, await post(guest, "a", APPLICATIONS, json=application()))
        assert (await written(house_database))[:2] == (1, 1)
        assert await sent_in(house_database) == (1, 2)


class TestVisitorWhoCameTooOften:
    async def test_keeps_his_key(
        self, visit_at: VisitAt, settings: Settings, house_database: Database
    ) -> None:
        client = await visit_at(replace(settings, rate_limiter_calls=1), house_database)
        first = await post(client, "a", APPLICATIONS, json=application())
        for key in ("a", "b"):
            refused = await post(client, key, APPLICATIONS, json=application())
            await problem(refused, 429, "too-many-requests")
            assert is_first(refused)
        later = await visit_at(settings, house_database)
        await again(first, await post(later, "a", APPLICATIONS, json=application()))
        assert is_first(await post(later, "b", APPLICATIONS, json=application()))
        assert await sent_in(house_database) == (2, 2)


class TestAge:
    async def test_of_a_day_is_young(self, guest: Client, house_database: Database) -> None:
        first = await post(guest, "a", APPLICATIONS, json=application())
        await run(house_database, AGE, age=DAY)
        await again(first, await post(guest, "a", APPLICATIONS, json=application()))
        assert (await worker.prune(house_database))["idempotency_keys"] == 0
        assert await sent_in(house_database) == (1, 1)

    @pytest.mark.parametrize("description", ["I would like to help.", "Something else."])
    async def test_of_more_than_a_day_makes_the_key_new(
        self, guest: Client, house_database: Database, description: str
    ) -> None:
        first = await post(guest, "a", APPLICATIONS, json=application())
        await run(house_database, AGE, age=OLDER)
        body = application(description=description)
        second = await post(guest, "a", APPLICATIONS, json=body)
        assert (second.status, is_first(second)) == (201, True)
        assert (await second.json())["id"] > (await first.json())["id"]
        await again(second, await post(guest, "a", APPLICATIONS, json=body))
        assert (await sent_in(house_database), await keys(house_database)) == ((2, 2), 1)

    async def test_takes_keys_out(self, guest: Client, house_database: Database) -> None:
        for key in ("a", "b", "c"):
            await post(guest, key, APPLICATIONS, json=application())
        await run(house_database, AGE, age=OLDER)
        first = await post(guest, "d", APPLICATIONS, json=application())
        async with house_database.writing() as session:
            assert await idempotency_keys.prune(session, most=2) == 2
        assert (await worker.prune(house_database))["idempotency_keys"] == 1
        assert await value(house_database, "SELECT min(key) FROM idempotency_keys") == "d"
        await again(first, await post(guest, "d", APPLICATIONS, json=application()))
