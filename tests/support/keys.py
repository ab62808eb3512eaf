"""Requests under an Idempotency-Key, and what must come again."""

from typing import Any

from aiohttp import ClientResponse

from kit.db import Database
from tests.support.clients import API, Client
from tests.support.shops import SHOP, value

ORDERS = f"{SHOP}/orders"
APPLICATIONS = f"{API}/applications"
BARE = "/applications"

KEY = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
JSON = {"Content-Type": "application/json"}


def application(**changes: Any) -> dict[str, Any]:
    """Return what somebody sends in."""
    return {"user_name": "Анна", "description": "I would like to help.", **changes}


async def post(client: Client, key: str, path: str = ORDERS, **sent: Any) -> ClientResponse:
    """Send a request under a key."""
    headers = {KEY: key, **sent.pop("headers", {})}
    return await client.post(path, headers=headers, **sent)


async def told(response: ClientResponse) -> tuple[int, bytes, str, str | None]:
    """Return all of an answer that must come again; a problem names each request by its id."""
    body = (await response.read()).replace(response.headers["X-Request-ID"].encode(), b"")
    return response.status, body, response.content_type, response.headers.get("Location")


def is_first(response: ClientResponse) -> bool:
    """Tell whether an answer does not say that it came before."""
    return response.headers.getall(REPLAYED, []) == []


async def again(first: ClientResponse, second: ClientResponse) -> None:
    """Assert that the second answer is the first one again, and says so."""
    assert is_first(first)
    assert second.headers.getall(REPLAYED, []) == ["true"], await second.text()
    assert await told(second) == await told(first)
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"] == "no-store"


async def keys(database: Database) -> int:
    """Count the keys that are known."""
    return int(await value(database, "SELECT count(*) FROM idempotency_keys"))


async def sent_in(database: Database) -> tuple[int, int]:
    """Count applications and outbox rows."""
    tables = ("applications", "outbox")
    found = [await value(database, f"SELECT count(*) FROM {table}") for table in tables]
    return found[0], found[1]
