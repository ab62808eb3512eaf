"""The house in which the matrix of authorisation is played: its rows, its visitors, its state."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient
from redis import asyncio as aioredis
from sqlalchemy import insert

from applications.entities import Application
from friends.entities import Friendship
from kit.db import Base, Database
from kit.session import handle_of
from kit.settings import Settings
from picnic.entities import City, Picnic, Registration
from seed.factories import Factory
from shop.entities import Order
from tests.authorisation import VISITORS, Answer, row_of
from tests.conftest import Serve
from tests.kit.doors import UNSAFE, Operation, operations
from tests.kit.records import now
from tests.support.clients import Client, add_user, sign_in
from tests.support.shops import add_book, add_offer, add_shop, value
from tests.users.forms import ME, cookie_of

TOKEN = "a token that only services know"
LATER = datetime(2999, 1, 1, tzinfo=UTC)
LIFETIME = 14 * 24 * 3600  # seconds

STATE = " UNION ALL ".join(
    f"SELECT '{name}' AS name, md5(string_agg(row::text, '' ORDER BY row::text)) AS state"
    f" FROM {name} AS row"
    for name in sorted(Base.metadata.tables)
)
EVERYTHING = f"SELECT string_agg(name || coalesce(state, ''), ' ' ORDER BY name) FROM ({STATE}) t"


@dataclass(frozen=True)
class World:
    """Hold the ids of the rows and what each visitor shows at the door."""

    client: Client  # keeps no cookies
    database: Database
    ids: Mapping[str, Any]
    shown: Mapping[str, Mapping[str, str]]

    async def send(
        self, who: str, operation: Operation, more: Mapping[str, Any] | None = None
    ) -> ClientResponse:
        """Let a visitor call an operation; more: what the body holds besides."""
        row = row_of(operation)
        path = operation.at(str(self.ids.get(row.of, 1)))
        body = {**row.body(self.ids, who), **(more or {})} if row.body else None
        path += f"?{row.query.format(**self.ids)}" if row.query else ""
        return await self.client.request(
            operation.method, path, json=body, headers=self.shown[who]
        )

    async def state(self) -> str:
        """Return a text that changes with any row of any table."""
        return str(await value(self.database, EVERYTHING))


async def told(response: ClientResponse) -> Answer:
    """Return status and code of an answer."""
    if response.status < 400 or response.method == "HEAD":
        return response.status, ""
    return response.status, (await response.json(content_type="application/problem+json"))["code"]


async def _add_rows(database: Database) -> dict[str, Any]:
    names = ("owner", "other", "staff", "friend", "deleted")
    ids = {name: await add_user(database, name, is_staff=name == "staff") for name in names}
    ids |= {"shop": await add_shop(database), "book": await add_book(database)}
    ids["offer"] = await add_offer(database, shop_id=ids["shop"], book_id=ids["book"])
    made = {
        "order": insert(Order).values(user_id=ids["owner"]).returning(Order.id),
        "application": insert(Application)
        .values(user_name="Anna", description="x")
        .returning(Application.id),
        "friendship": insert(Friendship)
        .values(initiator_id=ids["owner"], target_id=ids["friend"])
        .returning(Friendship.id),
        "city": insert(City).values(Factory().city(name="Berlin")).returning(City.id),
    }
    async with database.writing() as session:
        for name, statement in made.items():
            ids[name] = (await session.execute(statement)).scalar_one()
        picnic = {"city_id": ids["city"], "creator_id": ids["owner"], "time": LATER}
        planned = insert(Picnic).values(picnic).returning(Picnic.id)
        ids["picnic"] = (await session.execute(planned)).scalar_one()
        joined = {"picnic_id": ids["picnic"], "user_id": ids["other"]}
        await session.execute(insert(Registration).values(joined))
    return ids


async def _session(client: Client, name: str) -> str:
    """Sign in by a client that keeps no cookies; return the session's cookie."""
    response = await sign_in(client, name)
    assert response.status == 200, await response.text()
    return response.cookies["session"].value


def _cookie(text: str) -> dict[str, str]:
    return {"Cookie": f"session={text}"}


@asynccontextmanager
async def opened_world(
    serve: Serve, settings: Settings, database: Database, redis: aioredis.Redis
) -> AsyncIterator[World]:
    """Serve a house with prepared rows and visitors."""
    server = await serve(replace(settings, service_token=TOKEN), database)
    async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
        yield await make_world(client, database, redis)


async def make_world(client: Client, database: Database, redis: aioredis.Redis) -> World:
    """Prepare rows and visitors."""
    assert not cookie_of(client)
    ids = await _add_rows(database)
    cookies = {name: await _session(client, name) for name in ("owner", "other", "staff")}
    cookies["expired"] = await _session(client, "owner")
    record = f"session:{handle_of(cookies['expired'])}"
    assert await redis.hset(record, "created_at", now() - LIFETIME) == 0
    cookies["deleted"] = await _session(client, "deleted")
    gone = await client.delete(ME, headers=_cookie(cookies["deleted"]))
    assert gone.status == 204
    first = "B" if cookies["owner"][0] == "A" else "A"
    cookies["corrupted"] = first + cookies["owner"][1:]
    ids["session"] = handle_of(await _session(client, "owner"))
    shown = {name: _cookie(cookie) for name, cookie in cookies.items()}
    shown |= {"guest": {}, "service": {"Authorization": f"Bearer {TOKEN}"}}
    return World(client, database, ids, shown)


def named(method: str, route: str) -> Operation:
    """Return an operation of the house."""
    return next(x for x in operations() if (x.method, x.route) == (method, route))


async def differences(world: World, operation: Operation) -> dict[str, Any]:
    """Return who got what else than the table says, or changed something though refused."""
    found: dict[str, Any] = {}
    for who in VISITORS:
        status, code = row_of(operation).answers[who]
        watched = status >= 400 and operation.method in UNSAFE
        before = await world.state() if watched else ""
        got = await told(await world.send(who, operation))
        if got != (status, code if operation.method != "HEAD" else ""):
            found[who] = got
        elif watched and await world.state() != before:
            found[who] = "changed something"
    return found
