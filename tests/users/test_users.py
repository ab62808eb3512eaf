"""One user, seen by the others and by oneself."""

from datetime import UTC, datetime, timedelta

import pytest

from kit.db import Database
from tests.support.clients import Client, add_user, problem, sign_in
from tests.users.forms import (
    ME,
    OWN,
    PUBLIC,
    REFUSED,
    USERS,
    complaints,
    me,
    years_ago,
)


class TestUser:
    async def test_shows_what_is_public(self, alice: Client, bob: Client) -> None:
        own = await me(bob)
        response = await alice.get(f"{USERS}/{own['id']}")
        document = await response.json()
        assert response.status == 200
        assert document.keys() == PUBLIC
        assert document == {name: own[name] for name in PUBLIC}
        assert "@" not in await response.text()
        assert response.headers["Cache-Control"] == "no-store"

    async def test_shows_no_more_to_oneself_or_to_staff(
        self, alice: Client, staff: Client
    ) -> None:
        address = f"{USERS}/{(await me(alice))['id']}"
        for client in (alice, staff):
            assert (await (await client.get(address)).json()).keys() == PUBLIC

    async def test_computes_the_age(self, alice: Client, house_database: Database) -> None:
        birthday = years_ago(30)
        had_it = await add_user(house_database, "dora", birthday=birthday)
        waits = await add_user(house_database, "emil", birthday=birthday + timedelta(days=1))
        assert (await (await alice.get(f"{USERS}/{had_it}")).json())["age"] == 30
        assert (await (await alice.get(f"{USERS}/{waits}")).json())["age"] == 29

    async def test_does_not_know_the_deleted_or_the_unborn(
        self, alice: Client, house_database: Database
    ) -> None:
        gone = await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        for user_id in (gone, gone + 1_000, 2**63 - 1):
            await problem(await alice.get(f"{USERS}/{user_id}"), 404, "user-not-found")

    @pytest.mark.parametrize("text", ["0", "-1", "01", "1.0", "x", "٣", str(2**63), "9" * 40])
    async def test_has_no_other_ids(self, alice: Client, text: str) -> None:
        response = await alice.get(f"{USERS}/{text}")
        assert response.status == 404
        assert (await response.json(content_type="application/problem+json"))["code"] in (
            "not-found",
            "user-not-found",
        )

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.get(f"{USERS}/1"), 401, "not-signed-in")


class TestMe:
    async def test_shows_oneself(self, alice: Client, staff: Client) -> None:
        document = await me(alice)
        assert document.keys() == OWN
        assert (document["username"], document["is_staff"]) == ("alice", False)
        assert document["email"] == "alice@example.org"
        assert (await me(staff))["is_staff"] is True

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    async def test_is_closed_to_guests(self, guest: Client, method: str) -> None:
        await problem(await guest.request(method, ME), 401, "not-signed-in")


class TestPatchMe:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("email", "new@example.org"),
            ("email", "ALICE@example.org"),
            ("first_name", "Алиса"),
            ("second_name", "L" * 100),
            ("birthday", "1999-12-31"),
        ],
    )
    async def test_changes_one_field_and_leaves_the_others(
        self, alice: Client, name: str, value: str
    ) -> None:
        before = await me(alice)
        response = await alice.patch(ME, json={name: value})
        assert response.status == 200, await response.text()
        after = await response.json()
        assert after.keys() == OWN
        assert after[name] == value
        follow = {name, "age", "updated_at"}
        assert {k: before[k] for k in OWN - follow} == {k: after[k] for k in OWN - follow}
        assert await me(alice) == after

    async def test_changes_nothing_when_nothing_is_sent(
        self, guest: Client, house_database: Database
    ) -> None:
        await add_user(house_database, "dora", updated_at=datetime(2020, 1, 1, tzinfo=UTC))
        await sign_in(guest, "dora")
        before = await me(guest)
        response = await guest.patch(ME, json={})
        assert await response.json() == before == await me(guest)

    async def test_notes_when_it_was(self, guest: Client, house_database: Database) -> None:
        await add_user(house_database, "dora", updated_at=datetime(2020, 1, 1, tzinfo=UTC))
        await sign_in(guest, "dora")
        before = await me(guest)
        await guest.patch(ME, json={"first_name": "Theodora"})
        after = await me(guest)
        assert before["updated_at"] == "2020-01-01T00:00:00Z" < after["updated_at"]
        assert before["created_at"] == after["created_at"]

    async def test_clears_the_birthday(self, alice: Client) -> None:
        await alice.patch(ME, json={"birthday": "1999-12-31"})
        assert (await me(alice))["age"] is not None
        document = await (await alice.patch(ME, json={"birthday": None})).json()
        assert (document["birthday"], document["age"]) == (None, None)

    @pytest.mark.parametrize("email", ["bob@example.org", "BOB@EXAMPLE.org"])
    async def test_refuses_a_taken_email(self, alice: Client, bob: Client, email: str) -> None:
        before = await me(alice)
        response = await alice.patch(ME, json={"email": email, "first_name": "Mallory"})
        await problem(response, 409, "email-taken")
        assert await me(alice) == before
        assert (await me(bob))["email"] == "bob@example.org"

    @pytest.mark.parametrize(
        "name", ["id", "username", "password", "is_staff", "age", "created_at", "deleted_at"]
    )
    async def test_refuses_fields_that_stay(self, alice: Client, name: str) -> None:
        before = await me(alice)
        response = await alice.patch(ME, json={"first_name": "Mallory", name: before.get(name)})
        assert await complaints(response) == {f"/{name}"}
        assert await me(alice) == before

    @pytest.mark.parametrize("name", ["email", "first_name", "second_name", "birthday"])
    async def test_holds_the_bounds_of_signing_up(self, alice: Client, name: str) -> None:
        before = await me(alice)
        for value in REFUSED[name]:
            if value is not ...:
                response = await alice.patch(ME, json={name: value})
                assert await complaints(response) == {f"/{name}"}, value
        assert await me(alice) == before
