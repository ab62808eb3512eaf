"""Who is deleted by staff is out at once, on every worker, whoever signs in meanwhile."""

import asyncio
from collections import Counter

import pytest

from kit.pages import Row
from kit.passwords import Passwords
from kit.session_store import Identity, SessionStore
from tests.support.clients import Client, add_user, problem, sign_in
from tests.users.conftest import House
from tests.users.forms import SESSIONS, cookie_of, lives, me
from tests.users.staffing import ADMIN, delete, restore, row_of
from tests.users.test_credential_races import Gate
from users.service import credentials

pytestmark = pytest.mark.concurrent

SIGN_INS = 30
AT_ONCE = 5


async def enter_staff(house: House, worker: int = 0) -> Client:
    """Add and sign in somebody of the staff."""
    await add_user(house.database, f"staff{worker}", is_staff=True)
    return await house.enter(f"staff{worker}", worker)


async def late_sign_in(
    house: House, patch: pytest.MonkeyPatch, *, back: bool
) -> tuple[Client, int]:
    """Sign in as somebody who is deleted after the password was found right.

    back: he is restored before the session is made. Return the client and the sign-in's status.
    """
    user_id = await add_user(house.database, "alice")
    staff, late = await enter_staff(house), house.visit(1)
    gate = Gate(patch, Passwords, "matches", after=True)
    signing_in = asyncio.create_task(sign_in(late, "alice"))
    await gate.arrival()
    await delete(staff, user_id)
    if back:
        await restore(staff, user_id)
    gate.open()
    return late, (await signing_in).status


def timeless(account: Row) -> Identity:
    """Say who signs in as if no change of the credentials could make that void."""
    return Identity(account["id"], account["is_staff"], 10**9)


class TestSessions:
    async def test_are_dead_on_every_worker_when_the_deletion_is_answered(
        self, house: House
    ) -> None:
        await house.add("alice", "bob")
        staff, bob = await enter_staff(house), await house.enter("bob", 1)
        clients = [await house.enter("alice", worker) for worker in (0, 1, 0, 1)]
        user_id, watchers = (await me(clients[0]))["id"], [house.visit(0), house.visit(1)]
        cookies = [cookie_of(client) for client in clients]
        for watcher in watchers:
            assert all([await lives(watcher, cookie) for cookie in cookies])
        await delete(staff, user_id)
        for watcher in watchers:
            assert not any([await lives(watcher, cookie) for cookie in cookies])
        assert (await me(bob))["username"] == "bob"

    async def test_of_many_who_sign_in_meanwhile_all_die(self, house: House) -> None:
        user_id = await add_user(house.database, "alice")
        staff, todo = await enter_staff(house), iter(range(SIGN_INS))
        clients: list[Client] = []
        one_is_in = asyncio.Event()

        async def keep_signing_in() -> None:
            for number in todo:
                clients.append(client := house.visit(number % 2))
                status = (await sign_in(client, "alice")).status
                assert status in (200, 401, 429)
                one_is_in.set() if status == 200 else None

        signing_in = [asyncio.create_task(keep_signing_in()) for _ in range(AT_ONCE)]
        async with asyncio.timeout(20):
            await one_is_in.wait()
        await delete(staff, user_id)
        await asyncio.gather(*signing_in)
        watchers = [house.visit(0), house.visit(1)]
        cookies = [cookie for client in clients if (cookie := cookie_of(client))]
        assert cookies
        for watcher in watchers:
            assert not any([await lives(watcher, cookie) for cookie in cookies])


class TestLateSignIn:
    @pytest.mark.parametrize("back", [False, True])
    async def test_gets_no_session(
        self, house: House, monkeypatch: pytest.MonkeyPatch, back: bool
    ) -> None:
        late, status = await late_sign_in(house, monkeypatch, back=back)
        assert status == 401
        assert not cookie_of(late)
        await problem(await late.get(SESSIONS), 401, "not-signed-in")

    @pytest.mark.parametrize("back", [False, True])
    async def test_shows_the_loss_when_no_epoch_is_compared(
        self, house: House, monkeypatch: pytest.MonkeyPatch, back: bool
    ) -> None:
        monkeypatch.setattr(credentials, "identity_of", timeless)
        late, status = await late_sign_in(house, monkeypatch, back=back)
        assert status == 200
        assert await lives(house.visit(0), cookie_of(late))

    async def test_dies_when_it_came_between_the_commit_and_the_end_of_sessions(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user_id = await add_user(house.database, "alice")
        staff, late = await enter_staff(house), house.visit(1)
        checked = Gate(monkeypatch, Passwords, "matches", after=True)
        signing_in = asyncio.create_task(sign_in(late, "alice"))
        await checked.arrival()
        ending = Gate(monkeypatch, SessionStore, "end_all", after=False)
        deleting = asyncio.create_task(delete(staff, user_id))
        await ending.arrival()
        checked.open()
        await signing_in
        assert await lives(house.visit(0), cookie_of(late))
        ending.open()
        await deleting
        assert not await lives(house.visit(0), cookie_of(late))


class TestTwoOfStaff:
    async def test_delete_a_user_once(self, house: House) -> None:
        user_id = await add_user(house.database, "alice")
        staff = [await enter_staff(house, worker) for worker in (0, 1)]
        tries = [staff[n % 2].delete(f"{ADMIN}/{user_id}") for n in range(AT_ONCE)]
        answers = await asyncio.gather(*tries)
        assert Counter(x.status for x in answers) == {204: 1, 404: AT_ONCE - 1}
        assert (await row_of(house.database, user_id))["session_epoch"] == 1

    async def test_restore_a_user_once(self, house: House) -> None:
        user_id = await add_user(house.database, "alice")
        staff = [await enter_staff(house, worker) for worker in (0, 1)]
        await delete(staff[0], user_id)
        tries = [staff[n % 2].post(f"{ADMIN}/{user_id}/restore") for n in range(AT_ONCE)]
        answers = await asyncio.gather(*tries)
        assert {x.status for x in answers} == {200}
        assert (await row_of(house.database, user_id))["version"] == 2
