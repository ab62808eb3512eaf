"""Clients with a cookie jar of their own, and the one way to expect a problem."""

from typing import Any

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import insert

from kit.db import Database
from kit.passwords import hash_password
from users.entities import User

API = "/api/v1"
PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD, 4)

Client = TestClient[web.Request, web.Application]


def client_of(server: TestServer) -> Client:
    """Make a client that keeps the cookies of 127.0.0.1."""
    return TestClient(server, cookie_jar=CookieJar(unsafe=True))


async def add_user(database: Database, username: str, **values: Any) -> int:
    """Insert a user whose password is `PASSWORD`; return the id."""
    row = {
        "username": username,
        "email": f"{username}@example.org",
        "first_name": username.title(),
        "second_name": "Example",
        "password_hash": HASH,
        **values,
    }
    async with database.writing() as session:
        return (await session.execute(insert(User).values(row).returning(User.id))).scalar_one()


async def sign_in(client: Client, login: str, password: str = PASSWORD) -> ClientResponse:
    """Sign in through the real endpoint."""
    credentials = {"login": login, "password": password}
    return await client.post(f"{API}/auth/login", json=credentials)


async def problem(response: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, and return its document."""
    document: dict[str, Any] = await response.json(content_type="application/problem+json")
    assert (response.status, document["code"]) == (status, code), document
    assert document["status"] == status
    assert document["type"] == f"/problems/{code}"
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document["title"]
    assert document["detail"]
    return document
