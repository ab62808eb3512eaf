"""Sessions die with the credentials, on every worker, whoever races with the change."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kit.pages import Row
from kit.passwords import Passwords
from kit.session_store import Identity, SessionStore
from tests.support.clients import PASSWORD, Client, problem, sign_in
from tests.users.conftest import House
from tests.users.forms import ME, PASSWORD_OF_ME, SESSIONS, cookie_of, lives
from users.service import credentials

pytestmark = pytest.mark.concurrent

BOUND = 5.0  # seconds; nothing here should take even one

Change = Callable[[Client], Awaitable[Any]]


async def change_password(client: Client) -> None:
    """Give the client's user a new password."""
    body = {"current_password": PASSWORD, "new_password": "a new password"}
    response = await client.post(PASSWORD_OF_ME, json=body)
    assert response.status == 204, await response.text()


async def delete(client: Client) -> None:
    """Delete the client's user."""
    response = await client.delete(ME)
    assert response.status == 204, await response.text()


CHANGES = [change_password, delete]


class Gate:
    """Hold the first caller of a method: before its work is done, or after."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: type, name: str, *, after: bool) -> None:
        self._arrived, self._opened = asyncio.Event(), asyncio.Event()
        genuine = getattr(owner, name)

        async def gated(*args: Any, **kwargs: Any) -> Any:
            first = not self._arrived.is_set()
            self._arrived.set() if first and not after else None
            await self._opened.wait() if first and not after else None
            result = await genuine(*args, **kwargs)
            self._arrived.set() if first and after else None
            await self._opened.wait() if first and after else None
            return result

        patch.setattr(owner, name, gated)

    async def arrival(self) -> None:
        """Wait until the first caller stands at the gate."""
        async with asyncio.timeout(BOUND):
            await self._arrived.wait()

    def open(self) -> None:
        """Let the caller go on."""
        self._opened.set()


async def late_sign_in(house: House, patch: pytest.MonkeyPatch, change: Change) -> Client:
    """Sign in with credentials that are changed after they were found right; return the client."""
    await house.add("alice")
    alice, late = await house.enter("alice", 0), house.visit(1)
    gate = Gate(patch, Passwords, "matches", after=True)
    signing_in = asyncio.create_task(sign_in(late, "alice"))
    await gate.arrival()
    await change(alice)
    gate.open()
    await signing_in
    return late


class TestSessions:
    @pytest.mark.parametrize("change", CHANGES)
    async def test_die_on_every_worker_within_a_second(self, house: House, change: Change) -> None:
        await house.add("alice", "bob")
        here = await house.enter("alice")
        others = [await house.enter("alice", worker) for worker in (0, 1, 1)]
        bob, watchers = await house.enter("bob", 1), [house.visit(0), house.visit(1)]
        cookies = [cookie_of(client) for client in others]
        for watcher in watchers:
            assert all([await lives(watcher, cookie) for cookie in cookies])
        cookies += [cookie_of(here)] if change is delete else []
        started = time.monotonic()
        await change(here)
        for watcher in watchers:
            assert not any([await lives(watcher, cookie) for cookie in cookies])
        assert time.monotonic() - started < 1
        assert (await bob.get(ME)).status == 200

    async def test_lives_on_where_the_password_was_changed(self, house: House) -> None:
        await house.add("alice")
        here = await house.enter("alice")
        await change_password(here)
        assert await lives(house.visit(0), cookie_of(here))
        assert await lives(house.visit(1), cookie_of(here))


class TestLateSignIn:
    @pytest.mark.parametrize("change", CHANGES)
    async def test_gets_no_session_after_the_change(
        self, house: House, monkeypatch: pytest.MonkeyPatch, change: Change
    ) -> None:
        late = await late_sign_in(house, monkeypatch, change)
        assert not cookie_of(late)
        await problem(await late.get(SESSIONS), 401, "not-signed-in")

    @pytest.mark.parametrize("change", CHANGES)
    async def test_shows_the_loss_when_no_epoch_is_compared(
        self, house: House, monkeypatch: pytest.MonkeyPatch, change: Change
    ) -> None:
        def timeless(account: Row) -> Identity:
            return Identity(account["id"], account["is_staff"], 10**9)

        monkeypatch.setattr(credentials, "identity_of", timeless)
        late = await late_sign_in(house, monkeypatch, change)
        watcher = house.visit(0)
        assert await lives(watcher, cookie_of(late))

    @pytest.mark.parametrize("change", CHANGES)
    async def test_loses_a_session_made_between_the_commit_and_the_end_of_sessions(
        self, house: House, monkeypatch: pytest.MonkeyPatch, change: Change
    ) -> None:
        await house.add("alice")
        alice, late = await house.enter("alice", 0), house.visit(1)
        checked = Gate(monkeypatch, Passwords, "matches", after=True)
        signing_in = asyncio.create_task(sign_in(late, "alice"))
        await checked.arrival()
        ending = Gate(monkeypatch, SessionStore, "end_all", after=False)
        changing = asyncio.ensure_future(change(alice))
        await ending.arrival()
        checked.open()
        await signing_in
        ending.open()
        await changing
        await problem(await late.get(SESSIONS), 401, "not-signed-in")
