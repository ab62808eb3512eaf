"""Joining a picnic and leaving it: for oneself, once, and only while it has not begun."""

from typing import Any

import pytest
import pytest_asyncio

from kit.db import Database
from tests.picnic.forms import PICNICS, add_city, add_picnic, in_days, join, plan, read, shown
from tests.support.clients import Client, problem
from tests.support.shops import rows
from tests.users.forms import complaints, me

NOBODY = 2**63 - 1  # an id that nothing has
TIME = shown(in_days(2))
NO_IDS = ["0", "-1", "01", "one", "1.5", "٣", str(2**63), "1" * 30]
ROWS = "SELECT id, picnic_id, user_id, created_at FROM registrations ORDER BY id"
REFUSED: dict[str, Any] = {
    "text": "1",
    "a fraction": 1.5,
    "a truth": True,
    "nothing that has an id": 0,
    "less than nothing": -1,
    "more than an id": 2**63,
    "a list": [1],
}


def registrations(picnic_id: object) -> str:
    """Return where one joins a picnic."""
    return f"{PICNICS}/{picnic_id}/registrations"


def own(picnic_id: object) -> str:
    """Return where one leaves a picnic."""
    return f"{registrations(picnic_id)}/me"


@pytest_asyncio.fixture
async def picnic(house_database: Database, staff: Client) -> int:
    """Plan a picnic for tomorrow; its id differs from its city's."""
    for name in ("Springfield", "Shelbyville", "Ogdenville"):
        city_id = await add_city(house_database, name)
    return await add_picnic(house_database, city_id, (await me(staff))["id"], in_days(1))


@pytest_asyncio.fixture
async def over(house_database: Database, staff: Client) -> int:
    """Plan a picnic that began a moment ago."""
    city_id = await add_city(house_database, "Yesterville")
    creator_id = (await me(staff))["id"]
    return await add_picnic(house_database, city_id, creator_id, in_days(-1 / 86_400))


class TestPost:
    async def test_registers_whoever_asks(
        self, alice: Client, house_database: Database, picnic: int
    ) -> None:
        response = await alice.post(registrations(picnic), json={})
        document = await response.json()
        assert (response.status, document.keys()) == (
            201,
            {"id", "user_id", "picnic_id", "created_at"},
        )
        assert response.headers["Cache-Control"] == "no-store"
        assert (document["user_id"], document["picnic_id"]) == ((await me(alice))["id"], picnic)
        (row,) = await rows(house_database, ROWS)
        assert {**row, "created_at": shown(row["created_at"])} == document

    async def test_needs_no_body(self, alice: Client, bob: Client, picnic: int) -> None:
        assert (await alice.post(registrations(picnic))).status == 201
        empty = {"Content-Type": "application/json"}
        assert (await bob.post(registrations(picnic), headers=empty)).status == 201

    async def test_takes_ones_own_id(self, alice: Client, bob: Client, picnic: int) -> None:
        alice_id = (await me(alice))["id"]
        response = await alice.post(registrations(picnic), json={"user_id": alice_id})
        assert (response.status, (await response.json())["user_id"]) == (201, alice_id)
        response = await bob.post(registrations(picnic), json={"user_id": None})
        assert (response.status, (await response.json())["user_id"]) == (
            201,
            (await me(bob))["id"],
        )

    async def test_refuses_a_second_time(
        self, alice: Client, house_database: Database, picnic: int
    ) -> None:
        assert (await alice.post(registrations(picnic))).status == 201
        for body in (None, {}, {"user_id": (await me(alice))["id"]}):
            await problem(
                await alice.post(registrations(picnic), json=body), 409, "already-registered"
            )
        assert len(await rows(house_database, ROWS)) == 1

    async def test_registers_again_after_leaving(self, alice: Client, picnic: int) -> None:
        first = await (await alice.post(registrations(picnic))).json()
        assert (await alice.delete(own(picnic))).status == 204
        second = await (await alice.post(registrations(picnic))).json()
        assert second["id"] > first["id"]

    async def test_registers_one_for_many_and_many_for_one(
        self, alice: Client, bob: Client, house_database: Database, picnic: int
    ) -> None:
        same_time = await plan(bob, (await read(bob, f"{PICNICS}/{picnic}"))["city"]["id"], TIME)
        for client in (alice, bob):
            for picnic_id in (picnic, same_time["id"]):
                assert (await client.post(registrations(picnic_id))).status == 201
        assert len(await rows(house_database, ROWS)) == 4

    async def test_does_not_register_who_plans(
        self, bob: Client, house_database: Database
    ) -> None:
        planned = await plan(bob, await add_city(house_database, "Capital City"), TIME)
        assert (planned["participants_total"], planned["participants"]) == (0, [])
        assert (await bob.post(registrations(planned["id"]))).status == 201

    async def test_refuses_a_picnic_that_has_begun(
        self, alice: Client, house_database: Database, over: int
    ) -> None:
        await problem(await alice.post(registrations(over)), 409, "picnic-over")
        await join(house_database, over, (await me(alice))["id"])
        await problem(await alice.post(registrations(over)), 409, "picnic-over")

    @pytest.mark.parametrize("picnic_id", [NOBODY, 999_999])
    async def test_refuses_a_picnic_that_is_not(self, alice: Client, picnic_id: int) -> None:
        await problem(await alice.post(registrations(picnic_id)), 404, "picnic-not-found")

    @pytest.mark.parametrize("text", NO_IDS)
    async def test_refuses_what_is_no_id(self, alice: Client, text: str) -> None:
        await problem(await alice.post(registrations(text)), 404, "not-found")
        await problem(await alice.delete(own(text)), 404, "not-found")

    async def test_refuses_to_register_another(
        self, alice: Client, bob: Client, staff: Client, house_database: Database, picnic: int
    ) -> None:
        bob_id = (await me(bob))["id"]
        for client in (alice, staff):
            for user_id in (bob_id, NOBODY):
                response = await client.post(registrations(picnic), json={"user_id": user_id})
                await problem(response, 403, "not-yourself")
        assert await rows(house_database, ROWS) == []

    async def test_refuses_guests(
        self, guest: Client, house_database: Database, picnic: int
    ) -> None:
        await problem(await guest.post(registrations(picnic)), 401, "not-signed-in")
        await problem(await guest.delete(own(picnic)), 401, "not-signed-in")
        assert await rows(house_database, ROWS) == []

    @pytest.mark.parametrize("user_id", REFUSED.values(), ids=REFUSED.keys())
    async def test_refuses_a_strange_id(self, alice: Client, picnic: int, user_id: Any) -> None:
        response = await alice.post(registrations(picnic), json={"user_id": user_id})
        assert {pointer.partition("/0")[0] for pointer in await complaints(response)} == {
            "/user_id"
        }

    async def test_refuses_unknown_fields(self, alice: Client, picnic: int) -> None:
        body = {"picnic_id": picnic, "id": 1}
        response = await alice.post(registrations(picnic), json=body)
        assert await complaints(response) == {"/picnic_id", "/id"}


class TestDelete:
    async def test_takes_back_ones_own_alone(
        self, alice: Client, bob: Client, house_database: Database, picnic: int
    ) -> None:
        other = await plan(bob, await add_city(house_database, "Capital City"), TIME)
        for client in (alice, bob):
            for picnic_id in (picnic, other["id"]):
                assert (await client.post(registrations(picnic_id))).status == 201
        response = await alice.delete(own(picnic))
        assert (response.status, await response.read()) == (204, b"")
        left = {(row["picnic_id"], row["user_id"]) for row in await rows(house_database, ROWS)}
        alice_id, bob_id = (await me(alice))["id"], (await me(bob))["id"]
        assert left == {(other["id"], alice_id), (picnic, bob_id), (other["id"], bob_id)}

    async def test_refuses_who_was_not_registered(
        self, alice: Client, bob: Client, picnic: int
    ) -> None:
        assert (await bob.post(registrations(picnic))).status == 201
        await problem(await alice.delete(own(picnic)), 404, "registration-not-found")
        assert (await bob.delete(own(picnic))).status == 204
        await problem(await bob.delete(own(picnic)), 404, "registration-not-found")

    async def test_refuses_a_picnic_that_has_begun(
        self, alice: Client, house_database: Database, over: int
    ) -> None:
        await problem(await alice.delete(own(over)), 409, "picnic-over")
        await join(house_database, over, (await me(alice))["id"])
        await problem(await alice.delete(own(over)), 409, "picnic-over")
        assert len(await rows(house_database, ROWS)) == 1

    async def test_refuses_a_picnic_that_is_not(self, alice: Client) -> None:
        await problem(await alice.delete(own(NOBODY)), 404, "picnic-not-found")
