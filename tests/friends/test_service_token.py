"""Who may ask for cards without a session: whoever shows the token of our services."""

import hmac
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kit.db import Database
from kit.settings import Settings
from tests.friends.people import TOKEN, Open, users_alone
from tests.support.clients import API, Client, add_user, client_of, problem, sign_in
from tests.users.forms import SESSIONS, USERS
from users.__main__ import create_app

OTHERS = [
    ("GET", USERS),
    ("GET", f"{USERS}/me"),
    ("PATCH", f"{USERS}/me"),
    ("DELETE", f"{USERS}/me"),
    ("POST", f"{USERS}/me/password"),
    ("GET", f"{USERS}/1"),
    ("PATCH", f"{USERS}/1"),
    ("GET", SESSIONS),
    ("DELETE", SESSIONS),
    ("DELETE", f"{SESSIONS}/x"),
    ("GET", f"{API}/admin/users"),
    ("DELETE", f"{API}/admin/users/1"),
    ("POST", f"{API}/admin/users/1/restore"),
]
WRONG = [
    "",
    "Bearer",
    "Bearer ",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN.upper()}",
    f"Bearer  {TOKEN}",
    f"Bearer\t{TOKEN}",
    f"Bearer {TOKEN} {TOKEN}",
    f'Bearer "{TOKEN}"',
    f"Bearer{TOKEN}",
    f"Basic {TOKEN}",
    f"Token {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN[:-1]}é",
    f"Bearer {TOKEN[:-1]}\udcff",
    "Bearer " + "x" * 7000,
]

Doors = tuple[Client, Client, int]


@pytest_asyncio.fixture
async def doors(
    open_door: Open, settings: Settings, house_database: Database
) -> AsyncIterator[Doors]:
    """Serve users with a token and without one; give a guest of each, and the id of a user."""
    user_id = await add_user(house_database, "dora")
    knowing = client_of(await open_door(users_alone(settings, house_database)))
    bare = client_of(await open_door(create_app(settings, database=house_database)))
    yield knowing, bare, user_id
    await knowing.close()
    await bare.close()


def open_to_services(user_id: int) -> list[str]:
    """Return the addresses that take the token."""
    return [f"{USERS}/{user_id}/exists", f"{USERS}/cards?ids={user_id}"]


class TestToken:
    async def test_is_enough(self, doors: Doors) -> None:
        client, _, user_id = doors
        exists, cards = open_to_services(user_id)
        for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
            headers = {"Authorization": f"{scheme} {TOKEN}"}
            assert (await client.get(exists, headers=headers)).status == 204
            response = await client.get(cards, headers=headers)
            assert [card["id"] for card in (await response.json())["items"]] == [user_id]
            assert "Set-Cookie" not in response.headers
            assert (await client.head(exists, headers=headers)).status == 204
            assert (await client.head(cards, headers=headers)).status == 200

    async def test_is_not_needed_by_who_is_signed_in(self, doors: Doors) -> None:
        knowing, bare, user_id = doors
        for client in (knowing, bare):
            await sign_in(client, "dora")
            for wrong in ({"X-Nothing": "1"}, {"Authorization": "Bearer wrong"}):
                statuses = [
                    (await client.get(path, headers=wrong)).status
                    for path in open_to_services(user_id)
                ]
                assert statuses == [204, 200]

    async def test_that_is_wrong_is_none(self, doors: Doors) -> None:
        client, _, user_id = doors
        for offered in WRONG:
            for path in open_to_services(user_id):
                response = await client.get(path, headers={"Authorization": offered})
                await problem(response, 401, "not-signed-in")

    async def test_is_none_where_none_is_configured(self, doors: Doors) -> None:
        _, bare, user_id = doors
        for offered in ("Bearer", "Bearer ", "Bearer x", f"Bearer {TOKEN}", " "):
            for path in open_to_services(user_id):
                response = await bare.get(path, headers={"Authorization": offered})
                await problem(response, 401, "not-signed-in")
        for path in open_to_services(user_id):
            await problem(await bare.get(path), 401, "not-signed-in")

    async def test_tells_nobody_who_exists_before_it_is_right(self, doors: Doors) -> None:
        client, _, _ = doors
        for path in (f"{USERS}/999999999/exists", f"{USERS}/x/exists", f"{USERS}/cards?ids=x"):
            await problem(await client.get(path), 401, "not-signed-in")

    async def test_opens_nothing_else(self, doors: Doors) -> None:
        client, _, _ = doors
        headers = {"Authorization": f"Bearer {TOKEN}"}
        for method, path in OTHERS:
            body: dict[str, str] | None = {} if method in ("POST", "PATCH") else None
            response = await client.request(method, path, json=body, headers=headers)
            await problem(response, 401, "not-signed-in")


class TestComparison:
    async def test_takes_the_same_time_for_every_token(
        self, doors: Doors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client, bare, user_id = doors
        compared: list[tuple[bytes, bytes]] = []
        genuine = hmac.compare_digest

        def compare(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return genuine(one, other)

        monkeypatch.setattr("kit.services.hmac.compare_digest", compare)
        path = open_to_services(user_id)[0]
        for offered in (f"Bearer {TOKEN}", "Bearer wrong", f"Basic {TOKEN}"):
            await client.get(path, headers={"Authorization": offered})
        await bare.get(path, headers={"Authorization": "Bearer any"})
        shown = TOKEN.encode()
        assert compared == [(shown, shown), (b"wrong", shown), (shown, shown), (b"any", b"")]
