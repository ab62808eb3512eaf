"""Every operation answers every kind of visitor as the table says, and no operation lacks a row.

Each 2xx answer in here must hold exactly the documented fields: `serve` watches all of them.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from redis import asyncio as aioredis

from kit.addresses import operations as operations_of
from kit.db import Database
from kit.endpoint import endpoint
from kit.settings import Settings
from kit.web import View
from tests.authorisation import DOMAINS, MEMBERS, TABLE, VISITORS, gaps, row_of
from tests.authorisation_world import World, differences, named, opened_world
from tests.conftest import Serve
from tests.kit.doors import UNSAFE, Operation, bare_house, operations
from tests.users.forms import complaints

OPERATIONS = operations()
WITH_A_BODY = [x for x in OPERATIONS if x.declared and x.declared.json]
NOBODYS = {"extra", "id", "user_id", "is_staff", "created_at", "version", "deleted_at"}
NOBODYS |= {"session_epoch", "password_hash", "__class__"}


@pytest_asyncio.fixture
async def world(
    serve: Serve, settings: Settings, house_database: Database, redis: aioredis.Redis
) -> AsyncIterator[World]:
    """Prepare a house of this test's own."""
    async with opened_world(serve, settings, house_database, redis) as opened:
        yield opened


def groups() -> dict[str, list[Operation]]:
    """Group what can share a house: each change needs one of its own, reading changes nothing."""
    found: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        domain = next(x for x in reversed(DOMAINS) if operation.route.startswith(x))
        name = str(operation) if operation.method in UNSAFE else f"reading {domain}"
        found.setdefault(name, []).append(operation)
    return found


GROUPS = groups()


class TestMatrix:
    @pytest.mark.parametrize("name", GROUPS)
    async def test_holds(self, world: World, name: str) -> None:
        for operation in GROUPS[name]:
            assert await differences(world, operation) == {}, operation

    @pytest.mark.parametrize("name", TABLE)
    def test_says_for_everybody_what_he_gets_and_lets_somebody_in(self, name: str) -> None:
        assert TABLE[name].answers.keys() == set(VISITORS)
        assert any(status < 300 for status, _ in TABLE[name].answers.values())


class SecretView(View):
    """What somebody has just added."""

    @endpoint(status=204)
    async def get(self) -> None:
        """Show nothing."""


def names_of(app: web.Application) -> list[str]:
    """Name the operations of an application."""
    return [f"{method} {path}" for method, path, _ in operations_of(app)]


class TestTable:
    def test_has_a_row_for_each_operation_and_no_other(self) -> None:
        assert gaps(map(str, OPERATIONS)) == set()
        assert gaps(names_of(bare_house())) == set()

    def test_notices_an_operation_without_a_row(self) -> None:
        app = bare_house()
        app.router.add_view("/api/v1/secrets/{id}", SecretView)
        assert gaps(names_of(app)) == {"GET /api/v1/secrets/{id}"}

    def test_notices_a_row_without_an_operation(self) -> None:
        names = names_of(bare_house())
        names.remove("DELETE /api/v1/users/me")
        assert gaps(names) == {"DELETE /api/v1/users/me"}


def foreign_fields(operation: Operation) -> set[str]:
    """Return fields that the operation does not take; the read-only ones of its answer, too."""
    assert operation.declared is not None
    assert operation.declared.json is not None
    shown = operation.declared.returns.fields.keys() if operation.declared.returns else set()
    return (NOBODYS | shown) - operation.declared.json.fields.keys()


class TestBodies:
    async def test_hold_no_more_than_what_may_be_changed(self, world: World) -> None:
        before = await world.state()
        for operation in WITH_A_BODY:
            names = foreign_fields(operation)
            who = next(x for x in reversed(MEMBERS) if row_of(operation).answers[x][0] < 300)
            response = await world.send(who, operation, dict.fromkeys(names, 1))
            assert await complaints(response) == {f"/{name}" for name in names}, operation
        assert len(WITH_A_BODY) > 10
        assert await world.state() == before

    async def test_hold_no_more_in_their_lines_either(self, world: World) -> None:
        line = {"offer_id": world.ids["offer"], "quantity": 1, "price": "0.01", "title": "Mine"}
        orders = named("POST", "/api/v1/shop/orders")
        response = await world.send("owner", orders, {"items": [line]})
        assert await complaints(response) == {"/items/0/price", "/items/0/title"}
