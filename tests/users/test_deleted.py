"""A deleted user at all the other doors: out at once himself, and gone from what others see."""

from typing import Any

import pytest

from kit.db import Database
from tests.support.clients import API, Client, problem, sign_in
from tests.support.shops import add_offer, rows, stock
from tests.users.forms import SESSIONS, USERS, cookie_of, me
from tests.users.staffing import delete, restore

SHOP, FRIENDS = f"{API}/shop", f"{API}/friends"
DOORS: list[tuple[str, str, Any]] = [
    ("GET", f"{SHOP}/cart", None),
    ("PUT", f"{SHOP}/cart/items/{{offer}}", {"quantity": 1}),
    ("DELETE", f"{SHOP}/cart/items/{{offer}}", None),
    ("DELETE", f"{SHOP}/cart", None),
    ("GET", f"{SHOP}/orders", None),
    ("GET", f"{SHOP}/orders/{{order}}", None),
    ("POST", f"{SHOP}/orders", {"items": [{"offer_id": 1, "quantity": 1}]}),
    ("POST", f"{SHOP}/orders", None),
    ("POST", f"{SHOP}/orders/{{order}}/cancel", None),
    ("GET", FRIENDS, None),
    ("POST", FRIENDS, {"target_id": 1}),
    ("GET", f"{FRIENDS}/{{friendship}}", None),
    ("PATCH", f"{FRIENDS}/{{friendship}}", {"tag": "late"}),
    ("DELETE", f"{FRIENDS}/{{friendship}}", None),
    ("GET", f"{FRIENDS}/mutual?with={{other}}", None),
    ("GET", SESSIONS, None),
    ("DELETE", SESSIONS, None),
    ("GET", USERS, None),
    ("GET", f"{USERS}/{{other}}", None),
    ("GET", f"{USERS}/{{other}}/exists", None),
    ("GET", f"{USERS}/cards?ids={{other}}", None),
    ("PATCH", f"{USERS}/{{me}}", {"first_name": "Late"}),
]
TABLES = ("cart_items", "orders", "order_items", "friendships")


async def befriend(client: Client, user_id: int) -> dict[str, Any]:
    """Make somebody a friend."""
    response = await client.post(FRIENDS, json={"target_id": user_id, "tag": "chess"})
    assert response.status == 201, await response.text()
    document: dict[str, Any] = await response.json()
    return document


async def contents(database: Database) -> list[list[dict[str, Any]]]:
    """Return all that the deleted user has left."""
    return [await rows(database, f"SELECT * FROM {name} ORDER BY 1, 2") for name in TABLES]


async def answered(client: Client, path: str) -> Any:
    """Return what a list shows."""
    response = await client.get(path)
    assert response.status == 200, await response.text()
    return await response.json()


class TestDoors:
    async def test_are_shut_at_once(
        self, alice: Client, bob: Client, staff: Client, guest: Client, house_database: Database
    ) -> None:
        mine, others = (await me(alice))["id"], (await me(bob))["id"]
        offer = await add_offer(house_database)
        assert (await alice.put(f"{SHOP}/cart/items/{offer}", json={"quantity": 2})).status == 200
        line = {"offer_id": offer, "quantity": 1}
        order = await (await alice.post(f"{SHOP}/orders", json={"items": [line]})).json()
        friendship = await befriend(alice, others)
        ids = {"offer": offer, "order": order["id"], "friendship": friendship["id"]}
        ids |= {"other": others, "me": mine}
        headers = {"Cookie": f"session={cookie_of(alice)}"}
        before = await contents(house_database)
        assert all(before)
        await delete(staff, mine)
        for method, path, body in DOORS:
            response = await guest.request(method, path.format(**ids), json=body, headers=headers)
            await problem(response, 401, "not-signed-in")
        assert await contents(house_database) == before
        assert await stock(house_database, [offer]) == [9]

    async def test_leave_public_ones_open(self, alice: Client, staff: Client) -> None:
        await delete(staff, (await me(alice))["id"])
        assert (await alice.get(f"{SHOP}/shops")).status == 200
        assert (await alice.post(f"{API}/auth/logout")).status == 204

    async def test_open_on_the_same_cart_after_the_return(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        mine, offer = (await me(alice))["id"], await add_offer(house_database)
        await alice.put(f"{SHOP}/cart/items/{offer}", json={"quantity": 2})
        cart = await answered(alice, f"{SHOP}/cart")
        await delete(staff, mine)
        await restore(staff, mine)
        await sign_in(alice, "alice")
        assert await answered(alice, f"{SHOP}/cart") == cart


class TestOthers:
    @pytest.mark.parametrize("warm", [False, True])
    async def test_see_nothing_more(
        self, alice: Client, bob: Client, staff: Client, warm: bool
    ) -> None:
        mine = (await me(alice))["id"]
        one = f"{USERS}/{mine}"
        if warm:
            assert (await bob.get(one)).status == 200
        await delete(staff, mine)
        for path in (one, f"{one}/exists"):
            await problem(await bob.get(path), 404, "user-not-found")
        assert (await answered(bob, f"{USERS}/cards?ids={mine}"))["items"] == []
        for path in (USERS, f"{USERS}?q=alice", f"{USERS}?q=Alice&size=1"):
            page = await answered(bob, path)
            assert mine not in [user["id"] for user in page["items"]]
        assert (await answered(bob, f"{USERS}?q=alice"))["total"] == 0

    async def test_keep_the_friendship_without_the_friend(
        self, alice: Client, bob: Client, staff: Client
    ) -> None:
        mine = (await me(alice))["id"]
        friendship = await befriend(bob, mine)
        (listed,) = (await answered(bob, FRIENDS))["items"]
        assert listed["friend"]["username"] == "alice"
        await delete(staff, mine)
        page = await answered(bob, FRIENDS)
        assert page["items"] == [{**friendship, "friend": None}]
        assert (await bob.delete(f"{FRIENDS}/{friendship['id']}")).status == 204

    async def test_make_no_friend_of_the_deleted(
        self, alice: Client, bob: Client, staff: Client, house_database: Database
    ) -> None:
        mine = (await me(alice))["id"]
        await delete(staff, mine)
        for path in (f"{FRIENDS}?user_id={mine}", f"{FRIENDS}/mutual?with={mine}"):
            await problem(await bob.get(path), 404, "user-not-found")
        response = await bob.post(FRIENDS, json={"target_id": mine})
        await problem(response, 404, "user-not-found")
        assert await rows(house_database, "SELECT id FROM friendships") == []

    async def test_have_no_mutual_friend_in_the_deleted(
        self, alice: Client, bob: Client, staff: Client
    ) -> None:
        mine, theirs = (await me(alice))["id"], (await me(staff))["id"]
        for client in (bob, staff):
            await befriend(client, mine)
        mutual = f"{FRIENDS}/mutual?with={theirs}"
        assert [user["id"] for user in (await answered(bob, mutual))["items"]] == [mine]
        await delete(staff, mine)
        assert (await answered(bob, mutual))["items"] == []
