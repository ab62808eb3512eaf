"""Befriend two people through two services, as their users would."""

import asyncio
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import click
from aiohttp import ClientError, ClientSession, CookieJar

from kit.addresses import API
from seed.plan import PASSWORD

READY_SECONDS = 30.0

Children = Sequence[subprocess.Popen[bytes]]


class SplitFailed(Exception):
    """The two services do not work together; the text says what was seen."""


async def befriend(users: str, friends: str, children: Children) -> None:
    """Sign in at one service and make a friend at the other, with the same cookie."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        for address in (users, friends):
            await _ready(client, address, children)
        credentials = {"login": "demo", "password": PASSWORD}
        me = await _expect(client, "POST", f"{users}{API}/auth/login", {200}, credentials)
        found = await _expect(client, "GET", f"{users}{API}/users?size=2", {200})
        others = [user for user in found["items"] if user["id"] != me["id"]]
        if not others:
            raise SplitFailed("There is nobody but demo: run `shop-api seed`.")
        wanted = {"target_id": others[0]["id"], "tag": "colleague"}
        made = await _expect(client, "POST", f"{friends}{API}/friends", {201, 409}, wanted)
        known = await _expect(client, "GET", f"{friends}{API}/friends?size=100", {200})
        if others[0] not in [item["friend"] for item in known["items"]]:
            raise SplitFailed("The friends service does not show whom demo has befriended.")
        again = made.get("code") == "already-friends"
        click.echo(f"check: demo and {others[0]['username']} are friends{' already' * again}.")


async def _ready(client: ClientSession, address: str, children: Children) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            async with client.get(f"{address}/readyz") as answer:
                if answer.status == 200:
                    return
                last = f"answers {answer.status}"
        except ClientError as error:
            last = type(error).__name__
        if time.monotonic() > deadline or any(child.poll() is not None for child in children):
            raise SplitFailed(f"{address} did not become ready ({last}).")
        await asyncio.sleep(0.1)


async def _expect(
    client: ClientSession, method: str, url: str, statuses: set[int], body: object = None
) -> Any:
    async with client.request(method, url, json=body) as answer:
        document = await answer.json(content_type=None)
        if answer.status not in statuses:
            raise SplitFailed(f"{method} {url} answered {answer.status}: {document}")
        return document
