"""Signing in and out."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import kit.passwords
from kit.db import Database
from tests.support.clients import API, PASSWORD, Client, add_user, problem, sign_in
from tests.users.forms import LOGOUT, ME, OWN, complaints, cookie_of, lives

LOGIN = f"{API}/auth/login"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the hashes that passwords are checked against."""
    made: list[str] = []
    genuine = kit.passwords.check_password

    def check(password: str, hashed: str) -> bool:
        made.append(hashed)
        return genuine(password, hashed)

    monkeypatch.setattr(kit.passwords, "check_password", check)
    return made


class TestLogin:
    @pytest.mark.parametrize("login", ["Dora", "dora", "DORA", "d@Example.org", "D@eXAMPLE.ORG"])
    async def test_takes_username_and_email_in_any_case(
        self, guest: Client, house_database: Database, login: str
    ) -> None:
        user_id = await add_user(house_database, "Dora", email="d@Example.org")
        response = await sign_in(guest, login)
        assert response.status == 200
        document = await response.json()
        assert document.keys() == OWN
        assert (document["id"], document["username"]) == (user_id, "Dora")
        assert response.headers["Cache-Control"] == "no-store"
        assert await (await guest.get(ME)).json() == document

    async def test_sets_one_guarded_cookie(self, guest: Client, house_database: Database) -> None:
        await add_user(house_database, "dora")
        response = await sign_in(guest, "dora")
        (header,) = response.headers.getall("Set-Cookie")
        attributes = {part.strip().split("=")[0] for part in header.split(";")}
        assert attributes >= {"session", "HttpOnly", "Max-Age", "Path", "SameSite"}
        assert response.cookies["session"]["samesite"] == "Lax"
        assert response.cookies["session"]["path"] == "/"

    async def test_refuses_every_wrong_pair_alike(
        self, guest: Client, house_database: Database, checks: list[str]
    ) -> None:
        await add_user(house_database, "dora")
        await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        pairs = [("dora", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD)]
        bodies = []
        for login, password in pairs:
            checks.clear()
            response = await sign_in(guest, login, password)
            body = await problem(response, 401, "invalid-credentials")
            assert len(checks) == 1, login
            assert "Set-Cookie" not in response.headers
            bodies.append({name: text for name, text in body.items() if name != "request_id"})
        assert bodies[0] == bodies[1] == bodies[2]

    async def test_spends_the_same_cost_on_nobody(
        self, guest: Client, house_database: Database, checks: list[str]
    ) -> None:
        await add_user(house_database, "dora")
        await sign_in(guest, "dora", "wrong password")
        await sign_in(guest, "nobody", "wrong password")
        assert len({hashed[:7] for hashed in checks}) == 1  # "$2b$04$"

    @pytest.mark.parametrize("length", [129, 1_000, 60_000])
    async def test_treats_an_over_long_password_as_wrong(
        self, guest: Client, house_database: Database, length: int
    ) -> None:
        await add_user(house_database, "dora")
        response = await sign_in(guest, "dora", "p" * length)
        await problem(response, 401, "invalid-credentials")

    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ({}, {"/login", "/password"}),
            ({"login": "dora"}, {"/password"}),
            ({"login": 1, "password": PASSWORD}, {"/login"}),
            ({"login": "dora", "password": None}, {"/password"}),
            ({"login": "dora", "password": "\x00" * 8}, {"/password"}),
            ({"login": "\ud800", "password": PASSWORD}, {"/login"}),
            ({"login": "dora", "password": PASSWORD, "remember": True}, {"/remember"}),
        ],
    )
    async def test_refuses_an_unfit_body(
        self, guest: Client, body: dict[str, Any], pointers: set[str]
    ) -> None:
        assert await complaints(await guest.post(LOGIN, json=body)) == pointers

    async def test_ends_the_old_session_when_signed_in_again(
        self, alice: Client, guest: Client
    ) -> None:
        old = cookie_of(alice)
        assert (await sign_in(alice, "alice")).status == 200
        assert cookie_of(alice) != old
        assert not await lives(guest, old)
        assert await lives(guest, cookie_of(alice))

    async def test_ends_the_old_session_of_another_user(
        self, alice: Client, bob: Client, guest: Client
    ) -> None:
        old = cookie_of(alice)
        assert (await sign_in(alice, "bob")).status == 200
        assert not await lives(guest, old)
        assert (await bob.get(ME)).status == 200

    async def test_ends_the_old_session_when_it_fails(self, alice: Client, guest: Client) -> None:
        old = cookie_of(alice)
        response = await sign_in(alice, "alice", "wrong password")
        await problem(response, 401, "invalid-credentials")
        assert not await lives(guest, old)
        await problem(await alice.get(ME), 401, "not-signed-in")

    async def test_takes_no_session_id_from_the_client(
        self, guest: Client, visit: Callable[[], Client], house_database: Database
    ) -> None:
        await add_user(house_database, "dora")
        planted = "A" * 43
        credentials = {"login": "dora", "password": PASSWORD}
        headers = {"Cookie": f"session={planted}"}
        response = await guest.post(LOGIN, json=credentials, headers=headers)
        assert response.status == 200
        assert cookie_of(guest) != planted
        assert not await lives(visit(), planted)


class TestLogout:
    async def test_ends_the_session(self, alice: Client, guest: Client) -> None:
        old = cookie_of(alice)
        response = await alice.post(LOGOUT)
        assert (response.status, await response.read()) == (204, b"")
        assert not cookie_of(alice)
        assert not await lives(guest, old)

    async def test_answers_without_a_session_too(self, guest: Client) -> None:
        for _ in range(2):
            response = await guest.post(LOGOUT)
            assert response.status == 204
            assert "Set-Cookie" not in response.headers
        headers = {"Cookie": f"session={'A' * 43}"}
        assert (await guest.post(LOGOUT, headers=headers)).status == 204

    async def test_leaves_other_sessions_alone(
        self, alice: Client, bob: Client, visit: Callable[[], Client]
    ) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        assert (await alice.post(LOGOUT)).status == 204
        assert (await elsewhere.get(ME)).status == 200
        assert (await bob.get(ME)).status == 200
