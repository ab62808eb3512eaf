"""People who may become friends, and the two doors that they go through."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import insert

import friends.__main__
import users.__main__
from kit.db import Database
from kit.settings import Settings
from tests.support.clients import API, HASH, Client, add_user, client_of, sign_in
from tests.users.forms import ME
from users.entities import User

FRIENDS = f"{API}/friends"
MUTUAL = f"{FRIENDS}/mutual"
TOKEN = "the-token-of-all-our-services"

_numbers = itertools.count(1)

Open = Callable[[web.Application], Awaitable[TestServer]]


@dataclass
class Person:
    """A signed-in user, with one cookie jar for both doors."""

    id: int
    users: Client
    friends: Client

    async def befriend(self, target_id: int, **more: Any) -> ClientResponse:
        """Ask the service to make somebody one's friend."""
        return await self.friends.post(FRIENDS, json={"target_id": target_id, **more})

    async def friendship(self, target_id: int, **more: Any) -> dict[str, Any]:
        """Make somebody one's friend; return the friendship."""
        response = await self.befriend(target_id, **more)
        assert response.status == 201, await response.text()
        document: dict[str, Any] = await response.json()
        return document

    async def page(self, path: str = FRIENDS, **query: Any) -> dict[str, Any]:
        """Return a page of one's friends."""
        response = await self.friends.get(path, params=query)
        assert response.status == 200, await response.text()
        document: dict[str, Any] = await response.json()
        return document

    async def mutual(self, other_id: int, **query: Any) -> dict[str, Any]:
        """Return a page of those who are friends of both."""
        return await self.page(MUTUAL, **{"with": other_id}, **query)

    async def leave(self) -> None:
        """Delete oneself."""
        assert (await self.users.delete(ME)).status == 204


@dataclass
class Town:
    """The house behind one door, or users and friends behind two."""

    users: TestServer
    friends: TestServer
    people: Database
    friendships: Database
    made: list[Client] = field(default_factory=list)

    async def add(self, name: str, **values: Any) -> int:
        """Add a user; return the id."""
        return await add_user(self.people, name, **values)

    async def add_many(self, number: int, **values: Any) -> list[int]:
        """Add users with names of their own; return the ids, ascending."""
        base = {"first_name": "A", "second_name": "User", "password_hash": HASH, **values}
        names = [f"user{next(_numbers)}" for _ in range(number)]
        rows = [{**base, "username": name, "email": f"{name}@example.org"} for name in names]
        async with self.people.writing() as session:
            made = await session.execute(insert(User).values(rows).returning(User.id))
            return sorted(made.scalars())

    def visit(self) -> Client:
        """Make a client of the friends door who is a guest."""
        self.made.append(client_of(self.friends))
        return self.made[-1]

    async def enter(self, name: str, **values: Any) -> Person:
        """Add a user who signs in at the users door and keeps the cookie for the other one."""
        user_id = await self.add(name, **values)
        client = client_of(self.users)
        self.made.append(client)
        response = await sign_in(client, name)
        assert response.status == 200, await response.text()
        return Person(user_id, client, self.at_friends(client))

    def at_friends(self, client: Client) -> Client:
        """Make a client of the friends door with the cookies of another client."""
        jar = client.session.cookie_jar
        self.made.append(TestClient(self.friends, cookie_jar=jar))
        return self.made[-1]

    async def close(self) -> None:
        """Let everybody go home."""
        for client in self.made:
            await client.close()


def users_alone(settings: Settings, database: Database | None = None) -> web.Application:
    """Build the users service."""
    return users.__main__.create_app(replace(settings, service_token=TOKEN), database=database)


def friends_alone(
    settings: Settings, url: object, database: Database | None = None
) -> web.Application:
    """Build the friends service, beside a users service at `url`."""
    beside = replace(settings, users_service_url=str(url).rstrip("/"), service_token=TOKEN)
    return friends.__main__.create_app(beside, database=database)
