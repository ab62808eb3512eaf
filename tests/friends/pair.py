"""Users and friends as two processes, and a browser that goes to both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, CookieJar

from kit.settings import Settings
from tests.kit.events import until
from tests.support.clients import API
from tests.support.processes import PATIENCE, Alone, free_port
from tests.users.forms import USERS, sign_up_form

TOKEN = "a-token-that-no-log-may-hold"


@dataclass
class Pair:
    """Both processes, where they listen, and who looks at them."""

    users: Alone
    friends: Alone
    at: Mapping[str, str]
    browser: ClientSession

    async def are_ready(self) -> bool:
        """Tell whether both answer."""
        assert not self.users.ended, self.users.said
        assert not self.friends.ended, self.friends.said
        return all([await self._is_ready(url) for url in self.at.values()])

    async def _is_ready(self, url: str) -> bool:
        try:
            async with self.browser.get(f"{url}/readyz") as response:
                return response.status == 200
        except ClientError:
            return False

    async def sign_up(self, name: str) -> int:
        """Register a user at the users door; return the id."""
        form = sign_up_form(username=name, email=f"{name}@example.org")
        status, document = await self.ask("POST", "users", USERS, json=form)
        assert status == 201, document
        return int(document["id"])

    async def sign_in(self, name: str) -> None:
        """Sign in at the users door."""
        form = {"login": name, "password": sign_up_form()["password"]}
        status, document = await self.ask("POST", "users", f"{API}/auth/login", json=form)
        assert status == 200, document

    async def ask(self, method: str, door: str, path: str, **sent: Any) -> tuple[int, Any]:
        """Return status and document of an answer."""
        async with self.browser.request(method, f"{self.at[door]}{path}", **sent) as response:
            body = await response.read()
            return response.status, orjson.loads(body) if body else None


def start_users(folder: Path, settings: Settings, port: str) -> Alone:
    """Start the users service."""
    return Alone(folder / "users.log", "users", **_environment(settings, port))


def _environment(settings: Settings, port: str) -> dict[str, str]:
    return {
        "APP_PORT": port,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_servers,
        "SERVICE_TOKEN": TOKEN,
        "LOG_LEVEL": "DEBUG",  # what is in no line of this level is in none
    }


@asynccontextmanager
async def running(
    folder: Path, of_users: Settings, of_friends: Settings, **of_friends_too: str
) -> AsyncIterator[Pair]:
    """Run both until the block is left, and wait until they are ready."""
    ports = {"users": free_port(), "friends": free_port()}
    at = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    beside = _environment(of_friends, ports["friends"]) | {"USERS_SERVICE_URL": at["users"]}
    users = start_users(folder, of_users, ports["users"])
    friends = Alone(folder / "friends.log", "friends", **beside | of_friends_too)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        pair = Pair(users, friends, at, browser)
        try:
            await until(pair.are_ready, PATIENCE)
            yield pair
        finally:
            for command in (pair.users, pair.friends):
                command.stop()
