"""A deleted user comes back as he was, and has to sign in again."""

from collections.abc import Callable

from kit.db import Database
from tests.support.clients import API, Client, problem, sign_in
from tests.support.shops import add_offers, one_of_each, rows
from tests.users.forms import ME, USERS, cookie_of, lives, me
from tests.users.staffing import ADMIN, NOBODY, delete, listed, restore, row_of

ORDERS = f"{API}/shop/orders"


class TestRestore:
    async def test_brings_the_user_back_as_he_was(
        self, alice: Client, bob: Client, staff: Client, house_database: Database
    ) -> None:
        before = await me(alice)
        await delete(staff, before["id"])
        after = await restore(staff, before["id"])
        assert {**after, "updated_at": before["updated_at"]} == before
        assert (await bob.get(f"{USERS}/{before['id']}")).status == 200
        assert (await row_of(house_database, before["id"]))["deleted_at"] is None
        assert (await listed(staff, deleted="true"))["items"] == []

    async def test_leaves_a_living_user_as_he_is(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        before = await me(alice)
        row = await row_of(house_database, before["id"])
        assert await restore(staff, before["id"]) == before == await me(alice)
        assert await row_of(house_database, before["id"]) == row
        assert await rows(house_database, "SELECT event_type FROM outbox") == []

    async def test_does_not_know_the_unborn(self, staff: Client) -> None:
        response = await staff.post(f"{ADMIN}/{NOBODY}/restore")
        await problem(response, 404, "user-not-found")

    async def test_opens_the_door_but_no_old_session(
        self, alice: Client, staff: Client, visit: Callable[[], Client]
    ) -> None:
        user_id, old, watcher = (await me(alice))["id"], cookie_of(alice), visit()
        await delete(staff, user_id)
        await restore(staff, user_id)
        assert not await lives(watcher, old)
        await problem(await alice.get(ME), 401, "not-signed-in")
        assert (await sign_in(watcher, "alice")).status == 200
        assert (await me(watcher))["id"] == user_id
        await problem(await alice.get(ME), 401, "not-signed-in")

    async def test_finds_the_orders_again(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        offers = await add_offers(house_database, 2)
        placed = await (await alice.post(ORDERS, json=one_of_each(offers))).json()
        tables = [f"SELECT * FROM {name} ORDER BY 1, 2" for name in ("orders", "order_items")]
        before = [await rows(house_database, query) for query in tables]
        user_id = (await me(alice))["id"]
        await delete(staff, user_id)
        assert [await rows(house_database, query) for query in tables] == before
        await restore(staff, user_id)
        await sign_in(alice, "alice")
        assert (await (await alice.get(ORDERS)).json())["items"] == [placed]
