"""What lets somebody in who may not is noticed by the matrix, and so is what shows too much."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from redis import asyncio as aioredis

import monolith
from kit.db import Database
from kit.settings import Settings
from kit.web import View
from shop.entities import Order
from tests.authorisation_world import World, differences, make_world, named, opened_world
from tests.conftest import Serve
from tests.support.conformity import Watch
from users import repository


@pytest_asyncio.fixture
async def world(
    serve: Serve, settings: Settings, house_database: Database, redis: aioredis.Redis
) -> AsyncIterator[World]:
    """Prepare a house of this test's own."""
    async with opened_world(serve, settings, house_database, redis) as opened:
        yield opened


async def admit_all(self: View, *, staff: bool, service: bool) -> None:
    """Let everybody with a session in, whatever it takes."""
    await GENUINE(self, staff=False, service=service)


GENUINE = View.admit
LEAKS = [
    ("kit.web.View.admit", admit_all, "DELETE", "/api/v1/admin/users/{id}", {"other", "owner"}),
    (
        "users.service.profiles.check_oneself",
        lambda *_: None,
        "PATCH",
        "/api/v1/users/{id}",
        {"other", "staff"},
    ),
    (
        "shop.repository.orders._mine",
        lambda order_id, _: [Order.id == order_id],
        "GET",
        "/api/v1/shop/orders/{id}",
        {"other", "staff"},
    ),
]


class TestLeak:
    @pytest.mark.parametrize(("what", "leak", "method", "route", "who"), LEAKS)
    async def test_is_noticed(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        what: str,
        leak: Any,
        method: str,
        route: str,
        who: set[str],
    ) -> None:
        monkeypatch.setattr(what, leak)
        assert (await differences(world, named(method, route))).keys() >= who

    @pytest.mark.parametrize(
        ("method", "route"), [("PATCH", "/api/v1/users/me"), ("POST", "/api/v1/friends")]
    )
    async def test_is_noticed_by_the_state_of_the_tables(
        self, world: World, method: str, route: str
    ) -> None:
        before = await world.state()
        assert (await world.send("owner", named(method, route))).status < 300
        assert await world.state() != before

    async def test_is_noticed_in_the_fields_of_an_answer(
        self, settings: Settings, house_database: Database, redis: aioredis.Redis
    ) -> None:
        app, watch = monolith.create_app(settings, database=house_database), Watch()
        app.on_response_prepare.append(watch)
        async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
            world = await make_world(client, house_database, redis)
            await world.send("owner", named("GET", "/api/v1/users"))
            assert watch.found == []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("users.repository.PUBLIC", repository.ACCOUNT)
                await world.send("owner", named("GET", "/api/v1/users"))
        assert any("'password_hash'" in fault for fault in watch.found)
