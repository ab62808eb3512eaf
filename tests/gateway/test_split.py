"""Users and friends as services of their own, behind one address."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from aiohttp import ClientSession, web

import friends.app
import users.__main__
from kit.addresses import operations
from tests.gateway.gateways import SplitNginx
from tests.gateway.running import answers, needs, opened
from tests.gateway.stubs import standing_in
from tests.kit.doors import Operation
from tests.kit.events import until
from tests.support.clients import API, problem
from tests.support.settings import make_settings

USERS, FRIENDS = "127.0.0.4", "127.0.0.5"
SESSIONS = f"{API}/auth/sessions"
ABROAD = {f"{API}/shop/books", f"{API}/friendship", f"{API}/usersfoo", "/applications", "/nope"}
MEASURES = "/metrics"

pytestmark = needs("nginx", "openssl")

Services = tuple[ClientSession, list[str], list[str]]


def paths_of(app: web.Application) -> set[str]:
    """Return an address for each route that answers GET, as clients may see it."""
    found = {Operation(*each).address for each in operations(app) if each[0] == "GET"}
    return found - {MEASURES}


def of_users() -> set[str]:
    """Return the addresses of the users service."""
    return paths_of(users.__main__.create_app(make_settings("postgresql://h/d", "redis://h")))


def of_friends() -> set[str]:
    """Return the addresses that only the friends service has."""
    root = web.Application()
    for prefix, app in friends.app.subapps().items():
        root.add_subapp(prefix, app)
    return paths_of(root)


@pytest_asyncio.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """Run the gateway in front of two services that note what reaches them."""
    anything = dict.fromkeys(of_users() | of_friends() | ABROAD | {MEASURES, SESSIONS}, 200)
    async with (
        standing_in(anything, (USERS,)) as ours,
        standing_in(anything, (FRIENDS,)) as theirs,
    ):
        servers = {"PROXY_USERS": f"users:{ours.port}", "PROXY_FRIENDS": f"friends:{theirs.port}"}
        where = (USERS, FRIENDS)
        async with (
            opened(SplitNginx, tmp_path / "gateway", servers, where) as gateway,
            gateway.client() as client,
        ):
            await until(lambda: answers(gateway))
            assert "[warn]" not in gateway.check()
            yield client, ours.seen, theirs.seen


class TestSplit:
    async def test_leads_each_address_to_its_service(self, services: Services) -> None:
        client, at_users, at_friends = services
        for path in sorted(of_users() | of_friends()):
            at_users.clear()
            at_friends.clear()
            async with client.get(path) as response:
                assert response.status == 200, path
            seen = at_friends if path in of_friends() else at_users
            probe = path in ("/livez", "/readyz")
            assert (f"GET {path}" in seen) != probe, path

    async def test_asks_users_for_the_session(self, services: Services) -> None:
        client, at_users, at_friends = services
        async with client.get(f"{API}/friends") as response:
            assert response.status == 200
        assert (at_users, at_friends) == ([f"GET {SESSIONS}"], [f"GET {API}/friends"])

    async def test_knows_nothing_else(self, services: Services) -> None:
        client, at_users, at_friends = services
        for path in sorted(ABROAD | {MEASURES}):
            async with client.get(path) as response:
                await problem(response, 404, "not-found")
        assert at_users + at_friends == []
