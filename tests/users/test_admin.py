"""What staff may do with users: look, delete, restore; never edit."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import Client, add_user, problem, sign_in
from tests.users.forms import ME, OWN, USERS, me, sign_up_form
from tests.users.staffing import ADMIN, NOBODY, delete, listed, row_of


class TestList:
    async def test_shows_the_living_by_id_as_they_see_themselves(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        await add_user(house_database, "gone", deleted_at=datetime.now(UTC))
        page = await listed(staff)
        assert page["items"] == [await me(alice), await me(staff)]
        assert {frozenset(item) for item in page["items"]} == {frozenset(OWN)}
        assert (page["page"], page["size"], page["total"], page["pages"]) == (1, 20, 2, 1)

    async def test_shows_the_deleted_when_asked(
        self, staff: Client, house_database: Database
    ) -> None:
        now = datetime.now(UTC)
        gone = [await add_user(house_database, f"gone{n}", deleted_at=now) for n in range(3)]
        page = await listed(staff, deleted="true", size=2)
        assert [item["id"] for item in page["items"]] == gone[:2]
        assert (page["total"], page["pages"]) == (3, 2)
        assert "gone0" not in [item["username"] for item in (await listed(staff))["items"]]

    async def test_has_pages(self, staff: Client, house_database: Database) -> None:
        made = [await add_user(house_database, f"user{n}") for n in range(4)]
        response = await staff.get(ADMIN, params={"page": "2", "size": "2"})
        assert [item["id"] for item in (await response.json())["items"]] == made[1:3]
        assert response.links.keys() == {"first", "prev", "next", "last"}
        assert (await listed(staff, page=9, size=2))["items"] == []

    async def test_refuses_bad_parameters(self, staff: Client) -> None:
        for query in ("deleted=1", "deleted=yes", "deleted=", "page=0", "size=101", "q=a", "x=1"):
            document = await problem(await staff.get(f"{ADMIN}?{query}"), 422, "validation-failed")
            assert [e["parameter"] for e in document["errors"]] == [query.split("=")[0]]


class TestDoors:
    @pytest.mark.parametrize(
        ("method", "path"), [("GET", ""), ("DELETE", "/1"), ("POST", "/1/restore")]
    )
    async def test_are_for_staff_only(
        self, guest: Client, alice: Client, method: str, path: str
    ) -> None:
        await problem(await guest.request(method, ADMIN + path), 401, "not-signed-in")
        await problem(await alice.request(method, ADMIN + path), 403, "staff-only")

    @pytest.mark.parametrize("method", ["PATCH", "PUT", "POST", "GET"])
    async def test_have_no_way_to_edit(
        self, staff: Client, house_database: Database, method: str
    ) -> None:
        user_id = await add_user(house_database, "dora")
        body = None if method == "GET" else {"is_staff": True}
        response = await staff.request(method, f"{ADMIN}/{user_id}", json=body)
        await problem(response, 405, "method-not-allowed")
        assert response.headers["Allow"] == "DELETE"

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("", {"first_name": "Mallory"}),
            ("", {"email": "mallory@example.org"}),
            ("", {"is_staff": True}),
            ("", {"password": "a new password"}),
            ("/password", {"current_password": "x", "new_password": "a new password"}),
        ],
    )
    async def test_of_others_do_not_open_for_staff_elsewhere_either(
        self, staff: Client, house_database: Database, path: str, body: dict[str, Any]
    ) -> None:
        user_id = await add_user(house_database, "dora")
        before = await row_of(house_database, user_id)
        address = f"{USERS}/{user_id}{path}"
        for method in ("PATCH", "PUT", "POST", "DELETE"):
            response = await staff.request(method, address, json=body)
            assert response.status in (403, 404, 405, 422), method
        assert await row_of(house_database, user_id) == before


class TestDelete:
    async def test_is_soft(self, staff: Client, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        before = await row_of(house_database, user_id)
        await delete(staff, user_id)
        after = await row_of(house_database, user_id)
        assert after["deleted_at"] is not None
        assert (after["version"], after["session_epoch"]) == (1, 1)
        kept = ("username", "email", "first_name", "second_name", "password_hash", "created_at")
        assert {name: before[name] for name in kept} == {name: after[name] for name in kept}

    async def test_hides_the_user_at_once(self, alice: Client, staff: Client) -> None:
        user_id = (await me(alice))["id"]
        address = f"{USERS}/{user_id}"
        assert (await staff.get(address)).status == 200
        await delete(staff, user_id)
        await problem(await staff.get(address), 404, "user-not-found")
        await problem(await alice.get(ME), 401, "not-signed-in")
        await problem(await sign_in(alice, "alice"), 401, "invalid-credentials")

    async def test_does_not_know_the_unborn_or_the_deleted(
        self, staff: Client, house_database: Database
    ) -> None:
        user_id = await add_user(house_database, "dora")
        await delete(staff, user_id)
        once = await row_of(house_database, user_id)
        for unknown in (user_id, NOBODY):
            await problem(await staff.delete(f"{ADMIN}/{unknown}"), 404, "user-not-found")
        assert await row_of(house_database, user_id) == once

    async def test_reserves_the_names_in_any_case(
        self, staff: Client, guest: Client, house_database: Database
    ) -> None:
        await delete(staff, await add_user(house_database, "dora"))
        for name in ("dora", "DORA", "dOrA"):
            form = sign_up_form(username=name)
            await problem(await guest.post(USERS, json=form), 409, "username-taken")
            form = sign_up_form(email=f"{name}@Example.org")
            await problem(await guest.post(USERS, json=form), 409, "email-taken")

    async def test_works_on_staff_and_on_oneself(
        self, staff: Client, house_database: Database
    ) -> None:
        await delete(staff, await add_user(house_database, "tess", is_staff=True))
        await delete(staff, (await me(staff))["id"])
        await problem(await staff.get(ADMIN), 401, "not-signed-in")
