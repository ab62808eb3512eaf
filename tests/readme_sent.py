"""Examples of docs/endpoints.md, sent to a seeded house and compared in their shapes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer

from seed.plan import PASSWORD
from tests.readme_endpoints import Described
from tests.support.clients import API

TURNS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# who takes the part of `demo` in what would shut him out of what comes later
OTHERS = {"delete_users_me": "emma.mann5", "post_users_password": "stephanie.barry6"}


@dataclass(frozen=True)
class Sent:
    """What an example got: the code of a problem, or else in what the answer differs."""

    code: str = ""
    complaint: str = ""


def in_turn(operations: Iterable[Described]) -> Sequence[Described]:
    """Return the operations, those last that take away what others need."""
    return sorted(operations, key=lambda x: (TURNS.index(x.method), x.who == "staff"))


async def send(server: TestServer, operation: Described) -> Sent:
    """Send an operation's example, as somebody who may do that."""
    login = "admin" if operation.who == "staff" else OTHERS.get(operation.name, "demo")
    jar = CookieJar(unsafe=True)
    async with ClientSession(server.make_url("/"), cookie_jar=jar) as client:
        credentials = {"login": login, "password": PASSWORD}
        assert (await client.post(f"{API}/auth/login", json=credentials)).ok, operation.name
        answer = await client.request(
            operation.method, operation.address, json=operation.body, headers=operation.headers
        )
        body: Any = await answer.json(content_type=None)
    status = str(answer.status)
    if answer.status >= 400:
        known = operation.statuses().get(body["code"]) == status
        return Sent(body["code"], "" if known else f"{status} {body['code']} is not listed")
    shown = dict(operation.results())
    if status not in shown:
        return Sent(complaint=f"{status} is not shown")
    return Sent(complaint="" if alike(shown[status], body) else f"{body} is not like the example")


def alike(shown: Any, told: Any) -> bool:
    """Tell whether two documents have the same fields of the same kinds."""
    if isinstance(shown, dict) and isinstance(told, dict):
        return shown.keys() == told.keys() and all(alike(shown[x], told[x]) for x in shown)
    if isinstance(shown, list) and isinstance(told, list):
        return all(alike(shown[0], x) for x in told) if shown else not told
    return shown is None or told is None or type(shown) is type(told) or _numbers(shown, told)


def _numbers(*values: Any) -> bool:
    return all(isinstance(x, int | float) and not isinstance(x, bool) for x in values)
