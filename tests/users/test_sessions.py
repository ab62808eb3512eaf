"""The own sessions: seen and revoked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.clients import API, PASSWORD, Client, problem, sign_in
from tests.users.forms import ME, SESSIONS, cookie_of, lives

FIELDS = {"id", "created_at", "last_seen_at", "ip", "user_agent", "current"}


async def listed(client: Client) -> list[dict[str, Any]]:
    """Return the client's own sessions."""
    response = await client.get(SESSIONS)
    assert response.status == 200, await response.text()
    document = await response.json()
    assert document.keys() == {"items"}
    items: list[dict[str, Any]] = document["items"]
    return items


async def sign_in_with(client: Client, user_agent: str) -> None:
    """Sign in as alice from a device."""
    credentials = {"login": "alice", "password": PASSWORD}
    headers = {"User-Agent": user_agent}
    response = await client.post(f"{API}/auth/login", json=credentials, headers=headers)
    assert response.status == 200


class TestList:
    async def test_shows_the_documented_fields(self, alice: Client) -> None:
        (session,) = await listed(alice)
        assert session.keys() == FIELDS
        assert session["ip"] == "127.0.0.1"
        assert session["user_agent"].startswith("Python/")
        assert session["current"] is True
        created = datetime.fromisoformat(session["created_at"])
        assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
        assert session["last_seen_at"] >= session["created_at"]

    async def test_never_shows_a_cookie(self, alice: Client, visit: Callable[[], Client]) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        text = await (await alice.get(SESSIONS)).text()
        assert cookie_of(alice) not in text
        assert cookie_of(elsewhere) not in text

    async def test_flags_the_current_one_only(
        self, alice: Client, visit: Callable[[], Client]
    ) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        here, there = await listed(alice), await listed(elsewhere)
        assert len(here) == len(there) == 2
        (ours,) = [session["id"] for session in here if session["current"]]
        (theirs,) = [session["id"] for session in there if session["current"]]
        assert ours != theirs

    async def test_shows_the_newest_first(
        self, alice: Client, visit: Callable[[], Client]
    ) -> None:
        agents = [f"device {number}" for number in range(6)]
        for agent in agents:
            await sign_in_with(visit(), agent)
        shown = [session["user_agent"] for session in await listed(alice)]
        assert shown[:-1] == agents[::-1]

    async def test_shows_own_ones_only(self, alice: Client, bob: Client) -> None:
        ids = {session["id"] for client in (alice, bob) for session in await listed(client)}
        assert len(ids) == 2
        assert len(await listed(alice)) == 1

    async def test_forgets_those_that_were_signed_out(
        self, alice: Client, visit: Callable[[], Client]
    ) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        await elsewhere.post(f"{API}/auth/logout")
        assert len(await listed(alice)) == 1

    async def test_keeps_a_strange_device_readable(
        self, alice: Client, visit: Callable[[], Client]
    ) -> None:
        await sign_in_with(visit(), "телефон 📱 " + "x" * 1_000)
        (agent,) = [row["user_agent"] for row in await listed(alice) if not row["current"]]
        assert agent.startswith("телефон 📱")
        assert len(agent) == 300

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.get(SESSIONS), 401, "not-signed-in")


class TestRevokeOne:
    async def test_ends_that_one_only(self, alice: Client, visit: Callable[[], Client]) -> None:
        elsewhere = visit()
        await sign_in(elsewhere, "alice")
        (other,) = [session for session in await listed(alice) if not session["current"]]
        response = await alice.delete(f"{SESSIONS}/{other['id']}")
        assert (response.status, await response.read()) == (204, b"")
        await problem(await elsewhere.get(ME), 401, "not-signed-in")
        assert [session["current"] for session in await listed(alice)] == [True]

    async def test_may_end_the_current_one(self, alice: Client) -> None:
        (ours,) = await listed(alice)
        assert (await alice.delete(f"{SESSIONS}/{ours['id']}")).status == 204
        await problem(await alice.get(ME), 401, "not-signed-in")

    async def test_does_not_reach_somebody_elses(self, alice: Client, bob: Client) -> None:
        (hers,) = await listed(alice)
        response = await bob.delete(f"{SESSIONS}/{hers['id']}")
        await problem(response, 404, "session-not-found")
        assert (await alice.get(ME)).status == 200

    async def test_answers_the_same_twice(
        self, alice: Client, visit: Callable[[], Client]
    ) -> None:
        await sign_in(visit(), "alice")
        (other,) = [session for session in await listed(alice) if not session["current"]]
        assert (await alice.delete(f"{SESSIONS}/{other['id']}")).status == 204
        response = await alice.delete(f"{SESSIONS}/{other['id']}")
        await problem(response, 404, "session-not-found")

    @pytest.mark.parametrize("handle", ["0", "f" * 64, "*", "%00", "x" * 1_000])
    async def test_knows_no_other_ids(self, alice: Client, handle: str) -> None:
        response = await alice.delete(f"{SESSIONS}/{handle}")
        await problem(response, 404, "session-not-found")
        assert (await alice.get(ME)).status == 200

    async def test_does_not_take_the_cookie_for_the_id(self, alice: Client) -> None:
        response = await alice.delete(f"{SESSIONS}/{cookie_of(alice)}")
        await problem(response, 404, "session-not-found")

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.delete(f"{SESSIONS}/{'f' * 64}"), 401, "not-signed-in")


class TestRevokeAll:
    async def test_ends_every_own_one_and_no_other(
        self, alice: Client, bob: Client, visit: Callable[[], Client]
    ) -> None:
        elsewhere, watcher = visit(), visit()
        await sign_in(elsewhere, "alice")
        cookies = [cookie_of(alice), cookie_of(elsewhere)]
        response = await alice.delete(SESSIONS)
        assert (response.status, await response.read()) == (204, b"")
        assert not cookie_of(alice)
        assert [await lives(watcher, cookie) for cookie in cookies] == [False, False]
        assert (await bob.get(ME)).status == 200

    async def test_lets_the_user_sign_in_again(self, alice: Client) -> None:
        await alice.delete(SESSIONS)
        assert (await sign_in(alice, "alice")).status == 200
        assert len(await listed(alice)) == 1

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.delete(SESSIONS), 401, "not-signed-in")
