"""Registering: what is taken, what is refused, what is answered."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import Client, add_user, problem, sign_in
from tests.users.forms import (
    LONGEST_EMAIL,
    OWN,
    REFUSED,
    USERS,
    complaints,
    cookie_of,
    sign_up_form,
    stored,
    today,
    years_ago,
)


class TestSignUp:
    async def test_answers_the_own_user(self, guest: Client) -> None:
        form = sign_up_form(birthday="1990-05-17")
        response = await guest.post(USERS, json=form)
        assert response.status == 201, await response.text()
        document = await response.json()
        assert document.keys() == OWN
        expected = {name: value for name, value in form.items() if name != "password"}
        assert expected.items() <= document.items()
        assert document["is_staff"] is False
        assert document["created_at"] == document["updated_at"]
        assert document["age"] >= 36

    async def test_forbids_to_store_the_answer(self, guest: Client) -> None:
        response = await guest.post(USERS, json=sign_up_form())
        assert response.headers.get("Cache-Control") == "no-store"  # it holds the e-mail

    async def test_points_to_the_new_user(self, guest: Client) -> None:
        form = sign_up_form()
        response = await guest.post(USERS, json=form)
        document = await response.json()
        assert response.headers["Location"] == f"{USERS}/{document['id']}"
        await sign_in(guest, form["username"], form["password"])
        found = await guest.get(response.headers["Location"])
        assert (await found.json())["username"] == "carol"

    async def test_does_not_sign_in(self, guest: Client) -> None:
        response = await guest.post(USERS, json=sign_up_form())
        assert "Set-Cookie" not in response.headers
        assert not cookie_of(guest)

    async def test_needs_no_birthday(self, guest: Client) -> None:
        document = await (await guest.post(USERS, json=sign_up_form())).json()
        assert (document["birthday"], document["age"]) == (None, None)

    async def test_keeps_a_hash_and_never_the_password(
        self, guest: Client, house_database: Database
    ) -> None:
        form = sign_up_form()
        await guest.post(USERS, json=form)
        (row,) = await stored(house_database)
        assert row["password_hash"].startswith("$2b$")
        assert form["password"] not in str(row)
        assert (row["session_epoch"], row["deleted_at"]) == (0, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"username": "abc"},
            {"username": "A.b_c-9" + "z" * 25},
            {"email": LONGEST_EMAIL},
            {"email": "first.last+tag@sub.example.org"},
            {"password": "12345678"},
            {"password": "p" * 128},
            {"first_name": "X", "second_name": "Я"},
            {"first_name": "n" * 100, "second_name": "名" * 100},
            {"first_name": "O'Neil  ", "second_name": "von der Heide"},
            {"birthday": None},
            {"birthday": "2000-02-29"},
            {"birthday": today().isoformat()},
            {"birthday": (years_ago(151) + timedelta(days=1)).isoformat()},
        ],
    )
    async def test_takes_what_just_fits(self, guest: Client, changes: dict[str, Any]) -> None:
        response = await guest.post(USERS, json=sign_up_form(**changes))
        document = await response.json()
        assert response.status == 201, document
        shown = {name: value for name, value in changes.items() if name != "password"}
        assert shown.items() <= document.items()


class TestRefusals:
    @pytest.mark.parametrize("name", REFUSED)
    async def test_names_the_field(
        self, guest: Client, house_database: Database, name: str
    ) -> None:
        for value in REFUSED[name]:
            response = await guest.post(USERS, json=sign_up_form(**{name: value}))
            assert await complaints(response) == {f"/{name}"}, value
        assert await stored(house_database) == []

    @pytest.mark.parametrize(
        "name",
        ["id", "is_staff", "age", "created_at", "updated_at", "deleted_at", "password_hash", "x"],
    )
    async def test_refuses_fields_that_it_does_not_take(
        self, guest: Client, house_database: Database, name: str
    ) -> None:
        response = await guest.post(USERS, json=sign_up_form(**{name: 1}))
        assert await complaints(response) == {f"/{name}"}
        assert await stored(house_database) == []

    async def test_names_all_faults_at_once(self, guest: Client) -> None:
        pointers = await complaints(await guest.post(USERS, json={"birthday": 1}))
        fields = {"username", "email", "password", "first_name", "second_name", "birthday"}
        assert pointers == {f"/{name}" for name in fields}

    async def test_never_repeats_the_password(self, guest: Client) -> None:
        response = await guest.post(USERS, json=sign_up_form(password="secret7"))
        assert "secret7" not in await response.text()


class TestTaken:
    @pytest.mark.parametrize("deleted_at", [None, datetime(2026, 1, 1, tzinfo=UTC)])
    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("username", "dora", "username-taken"),
            ("username", "DoRa", "username-taken"),
            ("email", "dora@example.org", "email-taken"),
            ("email", "DORA@Example.ORG", "email-taken"),
        ],
    )
    async def test_refuses_a_taken_name_in_any_case(
        self,
        guest: Client,
        house_database: Database,
        name: str,
        value: str,
        code: str,
        deleted_at: date | None,
    ) -> None:
        await add_user(house_database, "dora", deleted_at=deleted_at)
        response = await guest.post(USERS, json=sign_up_form(**{name: value}))
        await problem(response, 409, code)
        assert len(await stored(house_database)) == 1


class TestPasswordAsTyped:
    @pytest.mark.parametrize(
        ("password", "other"),
        [
            ("  two spaces  ", "two spaces"),
            ("🐙🦑🐡🐠🦈🐳🐬🦭", "🐙🦑🐡🐠🦈🐳🐬🐟"),
            ("caf\u00e9 noir", "cafe\u0301 noir"),
            ("Пароль, Ёж", "пароль, ёж"),
            ("🐙" * 127 + "a", "🐙" * 127 + "b"),
            ("p" * 100 + "tail", "p" * 100),
        ],
    )
    async def test_counts_every_character(self, guest: Client, password: str, other: str) -> None:
        response = await guest.post(USERS, json=sign_up_form(password=password))
        assert response.status == 201
        refused = await sign_in(guest, "carol", other)
        await problem(refused, 401, "invalid-credentials")
        assert (await sign_in(guest, "carol", password)).status == 200
