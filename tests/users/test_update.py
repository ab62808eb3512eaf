"""PATCH of a user by id: oneself only, and only what a person may say of himself."""

from datetime import UTC, datetime
from itertools import product

import pytest

from kit.db import Database
from tests.support.clients import Client, add_user, problem, sign_in
from tests.support.shops import rows
from tests.users.forms import ME, OWN, REFUSED, USERS, complaints, me, stored

READ_ONLY = [
    *("id", "username", "age", "is_staff", "password", "password_hash", "created_at"),
    *("updated_at", "deleted_at", "version", "session_epoch", "extra", "__class__", ""),
]


async def own_address(client: Client) -> str:
    """Return where the client's user can be changed by id."""
    return f"{USERS}/{(await me(client))['id']}"


class TestOneself:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("email", "new@example.org"),
            ("first_name", "Алиса"),
            ("second_name", "L" * 100),
            ("birthday", "1999-12-31"),
            ("birthday", None),
        ],
    )
    async def test_is_changed_as_by_me(self, alice: Client, name: str, value: str | None) -> None:
        before, address = await me(alice), await own_address(alice)
        response = await alice.patch(address, json={name: value})
        assert response.status == 200, await response.text()
        after = await response.json()
        assert after.keys() == OWN
        assert after[name] == value
        follow = {name, "age", "updated_at"}
        assert {k: before[k] for k in OWN - follow} == {k: after[k] for k in OWN - follow}
        assert after == await me(alice) == await (await alice.patch(ME, json={})).json()
        assert response.headers["Cache-Control"] == "no-store"

    async def test_is_seen_by_others_at_once(self, alice: Client, bob: Client) -> None:
        address = await own_address(alice)
        await bob.get(address)
        await alice.patch(address, json={"first_name": "Alicia"})
        assert (await (await bob.get(address)).json())["first_name"] == "Alicia"

    async def test_stays_when_nothing_is_sent(
        self, guest: Client, house_database: Database
    ) -> None:
        await add_user(house_database, "dora", updated_at=datetime(2020, 1, 1, tzinfo=UTC))
        await sign_in(guest, "dora")
        before, kept = await me(guest), await stored(house_database)
        response = await guest.patch(await own_address(guest), json={})
        assert await response.json() == before
        assert await stored(house_database) == kept
        assert await rows(house_database, "SELECT id FROM outbox") == []

    async def test_needs_a_body(self, alice: Client) -> None:
        response = await alice.patch(await own_address(alice))
        await problem(response, 400, "malformed-json")

    async def test_needs_an_object(self, alice: Client) -> None:
        address, headers = await own_address(alice), {"Content-Type": "application/json"}
        for body in ("[]", "null", '"x"', "1", '[{"first_name": "x"}]'):
            response = await alice.patch(address, data=body, headers=headers)
            assert await complaints(response) == {""}, body

    async def test_keeps_what_is_not_said_by_people(
        self, alice: Client, house_database: Database
    ) -> None:
        before, own = await stored(house_database), await me(alice)
        for name in READ_ONLY:
            for value in (own.get(name), True, 1, "2000-01-01T00:00:00Z"):
                body = {"first_name": "Mallory", name: value}
                response = await alice.patch(f"{USERS}/{own['id']}", json=body)
                assert await complaints(response) == {f"/{name}"}, value
        assert await stored(house_database) == before

    @pytest.mark.parametrize("name", ["email", "first_name", "second_name", "birthday"])
    async def test_holds_the_bounds_of_signing_up(self, alice: Client, name: str) -> None:
        before, address = await me(alice), await own_address(alice)
        for value in REFUSED[name]:
            if value is not ...:
                response = await alice.patch(address, json={name: value})
                assert await complaints(response) == {f"/{name}"}, value
        assert await me(alice) == before

    @pytest.mark.parametrize("email", ["bob@example.org", "BOB@Example.ORG"])
    async def test_gets_no_email_of_another(self, alice: Client, bob: Client, email: str) -> None:
        before, address = await me(alice), await own_address(alice)
        response = await alice.patch(address, json={"email": email, "first_name": "Mallory"})
        await problem(response, 409, "email-taken")
        assert await me(alice) == before
        assert (await me(bob))["email"] == "bob@example.org"

    async def test_gets_no_email_of_somebody_deleted(
        self, alice: Client, house_database: Database
    ) -> None:
        await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        response = await alice.patch(await own_address(alice), json={"email": "Gone@example.org"})
        await problem(response, 409, "email-taken")


class TestSomebodyElse:
    async def test_is_refused_also_to_staff(
        self, alice: Client, bob: Client, staff: Client, house_database: Database
    ) -> None:
        address, before = await own_address(bob), await stored(house_database)
        bodies: list[dict[str, str]] = [{}, {"first_name": "Mallory"}, {"email": "m@example.org"}]
        for client, body in product((alice, staff), bodies):
            await problem(await client.patch(address, json=body), 403, "not-yourself")
        assert await stored(house_database) == before

    async def test_is_refused_alike_whether_there_is_such_a_user_or_not(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        living = await add_user(house_database, "dora")
        gone = await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        for client in (alice, staff):
            told = []
            for user_id in (living, gone, 2**63 - 1):
                response = await client.patch(f"{USERS}/{user_id}", json={"first_name": "M"})
                document = await problem(response, 403, "not-yourself")
                told.append(document["detail"])
            assert len(set(told)) == 1

    async def test_tells_nothing_of_emails(self, alice: Client, bob: Client) -> None:
        address = await own_address(bob)
        for email in ("alice@example.org", "bob@example.org", "free@example.org"):
            response = await alice.patch(address, json={"email": email})
            await problem(response, 403, "not-yourself")

    async def test_has_an_id(self, alice: Client) -> None:
        for text in ("0", "-1", "01", "x", str(2**63)):
            response = await alice.patch(f"{USERS}/{text}", json={"first_name": "M"})
            await problem(response, 404, "not-found")

    async def test_is_closed_to_guests(self, guest: Client, bob: Client) -> None:
        response = await guest.patch(await own_address(bob), json={"first_name": "M"})
        await problem(response, 401, "not-signed-in")
