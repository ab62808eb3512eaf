"""Changing the own password."""

from collections.abc import Callable
from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import PASSWORD, Client, problem, sign_in
from tests.users.forms import ME, PASSWORD_OF_ME, complaints, cookie_of, lives, stored

NEW = "  a new one, with 🐙  "


def change(current: Any = PASSWORD, new: Any = NEW) -> dict[str, Any]:
    """Return the body of a change of the password."""
    return {"current_password": current, "new_password": new}


class TestPassword:
    async def test_replaces_the_password(self, alice: Client, guest: Client) -> None:
        response = await alice.post(PASSWORD_OF_ME, json=change())
        assert (response.status, await response.read()) == (204, b"")
        await problem(await sign_in(guest, "alice"), 401, "invalid-credentials")
        await problem(await sign_in(guest, "alice", NEW.strip()), 401, "invalid-credentials")
        assert (await sign_in(guest, "alice", NEW)).status == 200

    async def test_ends_every_other_session_and_keeps_this_one(
        self, alice: Client, bob: Client, visit: Callable[[], Client]
    ) -> None:
        watcher, elsewhere = visit(), [visit(), visit()]
        for client in elsewhere:
            await sign_in(client, "alice")
        here = cookie_of(alice)
        assert (await alice.post(PASSWORD_OF_ME, json=change())).status == 204
        assert not any([await lives(watcher, cookie_of(client)) for client in elsewhere])
        assert cookie_of(alice) == here
        assert (await alice.get(ME)).status == 200
        assert (await bob.get(ME)).status == 200

    async def test_can_be_done_again_and_again(self, alice: Client) -> None:
        for current, new in [(PASSWORD, NEW), (NEW, PASSWORD), (PASSWORD, PASSWORD)]:
            response = await alice.post(PASSWORD_OF_ME, json=change(current, new))
            assert response.status == 204
        assert (await alice.get(ME)).status == 200

    async def test_refuses_a_wrong_current_one(
        self, alice: Client, house_database: Database, visit: Callable[[], Client]
    ) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        before = await stored(house_database)
        response = await alice.post(PASSWORD_OF_ME, json=change("wrong password"))
        await problem(response, 403, "wrong-password")
        assert await stored(house_database) == before
        assert (await elsewhere.get(ME)).status == 200

    @pytest.mark.parametrize("length", [8, 128])
    async def test_takes_what_just_fits(self, alice: Client, length: int) -> None:
        response = await alice.post(PASSWORD_OF_ME, json=change(new="🐙" * length))
        assert response.status == 204
        assert (await sign_in(alice, "alice", "🐙" * length)).status == 200

    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ({}, {"/current_password", "/new_password"}),
            (change(new="1234567"), {"/new_password"}),
            (change(new="p" * 129), {"/new_password"}),
            (change(new="p\x00" * 8), {"/new_password"}),
            (change(new="\ud800" * 8), {"/new_password"}),
            (change(new=None), {"/new_password"}),
            (change(current="p" * 129), {"/current_password"}),
            (change(current=12345678), {"/current_password"}),
            ({**change(), "user_id": 1}, {"/user_id"}),
        ],
    )
    async def test_refuses_an_unfit_body(
        self, alice: Client, body: dict[str, Any], pointers: set[str]
    ) -> None:
        assert await complaints(await alice.post(PASSWORD_OF_ME, json=body)) == pointers
        assert (await sign_in(alice, "alice")).status == 200

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.post(PASSWORD_OF_ME, json=change()), 401, "not-signed-in")
