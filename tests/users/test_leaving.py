"""Leaving: the row stays, the person is gone."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from kit.db import Database
from tests.support.clients import API, PASSWORD, Client, problem, sign_in
from tests.users.forms import (
    LOGOUT,
    ME,
    PASSWORD_OF_ME,
    SESSIONS,
    USERS,
    cookie_of,
    lives,
    me,
    sign_up_form,
)
from users.entities import User


class TestDeleteMe:
    async def test_answers_nothing_and_takes_the_cookie(self, alice: Client) -> None:
        response = await alice.delete(ME)
        assert (response.status, await response.read()) == (204, b"")
        assert not cookie_of(alice)

    async def test_keeps_the_row(self, alice: Client, house_database: Database) -> None:
        user_id = (await me(alice))["id"]
        await alice.delete(ME)
        async with house_database.reading() as session:
            columns = select(User.username, User.email, User.deleted_at, User.session_epoch)
            row = (await session.execute(columns.where(User.id == user_id))).one()
        assert row[:2] == ("alice", "alice@example.org")
        assert row.deleted_at is not None
        assert row.session_epoch == 1

    async def test_reserves_the_names(self, alice: Client, guest: Client) -> None:
        await alice.delete(ME)
        response = await guest.post(USERS, json=sign_up_form(username="Alice"))
        await problem(response, 409, "username-taken")
        response = await guest.post(USERS, json=sign_up_form(email="Alice@example.org"))
        await problem(response, 409, "email-taken")

    async def test_hides_the_user_from_others(self, alice: Client, bob: Client) -> None:
        address = f"{USERS}/{(await me(alice))['id']}"
        assert (await bob.get(address)).status == 200
        await alice.delete(ME)
        await problem(await bob.get(address), 404, "user-not-found")

    @pytest.mark.parametrize(
        ("method", "address", "body"),
        [
            ("GET", ME, None),
            ("PATCH", ME, {}),
            ("DELETE", ME, None),
            ("GET", f"{USERS}/1", None),
            ("GET", SESSIONS, None),
            ("DELETE", SESSIONS, None),
            ("POST", PASSWORD_OF_ME, {"current_password": PASSWORD, "new_password": PASSWORD}),
            ("GET", f"{API}/shop/cart", None),
        ],
    )
    async def test_shuts_every_door(
        self, alice: Client, guest: Client, method: str, address: str, body: dict[str, Any] | None
    ) -> None:
        headers = {"Cookie": f"session={cookie_of(alice)}"}
        await alice.delete(ME)
        response = await guest.request(method, address, json=body, headers=headers)
        await problem(response, 401, "not-signed-in")

    async def test_ends_every_session_and_every_sign_in(
        self, alice: Client, bob: Client, visit: Callable[[], Client]
    ) -> None:
        elsewhere, watcher = visit(), visit()
        await sign_in(elsewhere, "alice")
        await alice.delete(ME)
        assert not await lives(watcher, cookie_of(elsewhere))
        await problem(await sign_in(watcher, "alice"), 401, "invalid-credentials")
        assert (await watcher.post(LOGOUT)).status == 204
        assert (await bob.get(ME)).status == 200
