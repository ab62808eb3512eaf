"""Redis fails while credentials change: nothing has happened, or the other sessions are gone."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from kit.session_store import SessionStore
from tests.support.clients import PASSWORD, Client, problem, sign_in
from tests.users.forms import ME, PASSWORD_OF_ME, SESSIONS

CHANGE = {"current_password": PASSWORD, "new_password": "a new password"}


def cut(patch: pytest.MonkeyPatch, *, call: int) -> None:
    """Let Redis fail when the end of all sessions is asked for the n-th time."""
    genuine, calls = SessionStore.end_all, iter(range(1, 10))

    async def end_all(self: SessionStore, *args: Any, **kwargs: Any) -> None:
        if next(calls) == call:
            raise RedisAway
        await genuine(self, *args, **kwargs)

    patch.setattr(SessionStore, "end_all", end_all)


class TestBeforeTheCommit:
    async def test_leaves_the_password(
        self, alice: Client, guest: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut(monkeypatch, call=1)
        refused = await alice.post(PASSWORD_OF_ME, json=CHANGE)
        await problem(refused, 503, "sessions-unavailable")
        assert (await sign_in(guest, "alice")).status == 200

    async def test_leaves_the_user(self, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        cut(monkeypatch, call=1)
        await problem(await alice.delete(ME), 503, "sessions-unavailable")
        assert (await alice.get(ME)).status == 200


class TestAfterTheCommit:
    async def test_a_changed_password_has_ended_the_other_sessions(
        self, alice: Client, guest: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await sign_in(guest, "alice")
        cut(monkeypatch, call=2)
        await problem(await alice.post(PASSWORD_OF_ME, json=CHANGE), 503, "sessions-unavailable")
        await problem(await guest.get(SESSIONS), 401, "not-signed-in")

    async def test_a_deleted_user_has_no_session(
        self, alice: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut(monkeypatch, call=2)
        await problem(await alice.delete(ME), 503, "sessions-unavailable")
        await problem(await alice.get(SESSIONS), 401, "not-signed-in")
