"""Guessing a password: a few tries at an account, then none, whatever the guesser makes up."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median
from threading import Event

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

import kit.passwords
from embedded.process import wait_until
from kit.attempts import Attempts
from kit.db import Database
from kit.limits import Ticket, Verdict
from kit.passwords import PASSWORDS, hash_password
from kit.redis_limits import RedisLimiter
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.limiting import count_checks, post_at_once, two_workers
from tests.support.clients import API, PASSWORD, Client, add_user, client_of, problem, sign_in
from tests.users.conftest import House
from tests.users.forms import PASSWORD_OF_ME
from users.service import credentials

WRONG, LOGIN, HERS = "wrong password", f"{API}/auth/login", hash_password(PASSWORD, 7)
Patch = pytest.MonkeyPatch
SPELLINGS = ["kira", "Kira", "KIRA", "kira@example.org", "KIRA@example.ORG"]
LOOK_ALIKES = ["\u212aira", "K\u0130RA", "\u212a\u0130ra@example.org"]  # lower case: ASCII, nearly


async def too_many(response: ClientResponse, period: int = 900) -> int:
    """Assert that there were too many attempts; return the seconds to wait."""
    await problem(response, 429, "too-many-attempts")
    assert "Set-Cookie" not in response.headers
    wait = int(response.headers["Retry-After"])
    assert 1 <= wait <= period
    return wait


async def guess(client: Client, number: int, login: str = "alice") -> list[int]:
    """Guess wrong one time after another; return the statuses."""
    return [(await sign_in(client, login, WRONG)).status for _ in range(number)]


async def storm(house: House, number: int) -> set[int]:
    """Guess at Kira's password, 100 at once, in all spellings and from everywhere."""
    gate, clients = asyncio.Semaphore(100), [house.visit(0), house.visit(1)]

    async def one(n: int) -> int:
        headers = {"X-Forwarded-For": f"203.0.113.{n % 256}"}
        body = {"login": (SPELLINGS + LOOK_ALIKES)[n % 8], "password": f"guess {n}"}
        async with gate:
            return (await clients[n % 2].post(LOGIN, json=body, headers=headers)).status

    await add_user(house.database, "Kira", password_hash=HERS)
    return set(await asyncio.gather(*map(one, range(number))))


@pytest.mark.concurrent
class TestStorm:
    async def test_gets_twenty_guesses(self, house: House, monkeypatch: Patch) -> None:
        checks = count_checks(monkeypatch)
        assert {401, 429} <= await storm(house, 1_000) <= {401, 429, 503}  # 503: too busy to ask
        for login, worker in product(("kira", "kira@example.org"), (0, 1)):
            await too_many(await sign_in(house.visit(worker), login))
        assert 10 < checks.count(HERS) <= 20
        await house.add("bob")
        await house.enter("bob")

    async def test_gets_more_without_the_guard(self, house: House, monkeypatch: Patch) -> None:
        checks = count_checks(monkeypatch)
        monkeypatch.setattr(Attempts, "one", lambda *_, **__: nullcontext())
        await storm(house, 100)
        assert checks.count(HERS) > 20

    async def test_gets_no_more_from_two_processes(
        self, house: House, busy_settings: Settings, tmp_path: Path
    ) -> None:
        await house.add("kira")
        bodies = [{"login": SPELLINGS[n % 5], "password": WRONG} for n in range(60)]
        with two_workers(busy_settings, tmp_path / "log") as url:
            assert await post_at_once(url, LOGIN, bodies) == {401: 20, 429: 40}

    @pytest.mark.parametrize("late", ["nobody", "winners", "losers"])
    @pytest.mark.parametrize("workers", [1, 2])
    async def test_of_right_passwords_gets_in(
        self, house: House, monkeypatch: Patch, workers: int, late: str
    ) -> None:
        async def take(limiter: RedisLimiter, tickets: Sequence[Ticket], hold: float) -> Verdict:
            verdict = await genuine(limiter, tickets, hold)
            await asyncio.sleep(0.1 if late == ("losers" if verdict.wait else "winners") else 0)
            return verdict

        genuine = RedisLimiter.take
        monkeypatch.setattr(RedisLimiter, "take", take)
        await house.add("alice")
        doors = [sign_in(house.visit(n % workers), "alice") for n in range(30)]
        assert Counter(door.status for door in await asyncio.gather(*doors)) == {200: 30}


@pytest.mark.usefixtures("alice")
class TestGuess:
    async def test_counts_only_when_it_was_wrong(self, guest: Client) -> None:
        assert await guess(guest, 9) == [401] * 9
        assert {(await sign_in(guest, "alice")).status for _ in range(12)} == {200}
        assert await guess(guest, 2) == [401, 429]
        assert await too_many(await sign_in(guest, "Alice")) > 800

    async def test_is_possible_again_later(self, guest: Client, monkeypatch: Patch) -> None:
        monkeypatch.setattr(credentials, "GUESSING_PERIOD", 0.9)
        assert await guess(guest, 10) == [401] * 10
        await asyncio.sleep(await too_many(await sign_in(guest, "alice"), 1))
        assert (await sign_in(guest, "alice")).status == 200

    async def test_is_counted_by_address_as_well(self, guest: Client, monkeypatch: Patch) -> None:
        monkeypatch.setattr(credentials, "GUESSES_FROM_ADDRESS", 5)
        for n in range(7):
            guest.session.headers["X-Forwarded-For"] = f"203.0.113.{n}"
            assert await guess(guest, 1, f"somebody{n}") == [401 if n < 5 else 429]
        await too_many(await sign_in(guest, "alice"))

    async def test_is_lost_to_who_hangs_up(self, house: House, monkeypatch: Patch) -> None:
        await house.add("alice")
        count_checks(monkeypatch, opened := Event())
        pool = house.workers[0].app[PASSWORDS]
        guesses = [asyncio.create_task(guess(house.visit(), 1)) for _ in range(10)]
        assert await asyncio.to_thread(wait_until, lambda: pool._under_way == 10, 5)
        assert [task.cancel() for task in guesses]
        await asyncio.wait(guesses)
        opened.set()
        assert await asyncio.to_thread(wait_until, lambda: pool._under_way == 0, 5)
        await too_many(await sign_in(house.visit(), "alice"))

    async def test_is_given_back_if_not_made(self, guest: Client, monkeypatch: Patch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(kit.passwords, "MOST_WAITING", -1_000)
            for _ in range(12):
                await problem(await sign_in(guest, "alice"), 503, "passwords-busy")
        assert await guess(guest, 11) == [*[401] * 10, 429]

    async def test_of_the_current_password_counts_likewise(
        self, alice: Client, bob: Client, monkeypatch: Patch
    ) -> None:
        right = {"current_password": PASSWORD, "new_password": PASSWORD}
        wrong, checks = {**right, "current_password": WRONG}, count_checks(monkeypatch)
        for form, status in [(right, 204)] * 12 + [(wrong, 403)] * 10 + [(wrong, 429)] * 5:
            assert (await alice.post(PASSWORD_OF_ME, json=form)).status == status
        await too_many(await alice.post(PASSWORD_OF_ME, json=right))
        assert len(checks) == 22
        assert (await bob.post(PASSWORD_OF_ME, json=right)).status == 204


@pytest_asyncio.fixture
async def costly(
    serve: Serve, settings: Settings, house_database: Database
) -> AsyncIterator[Client]:
    """Visit a house where a check takes some 9 ms."""
    await add_user(house_database, "alice", password_hash=HERS)
    await add_user(house_database, "gone", password_hash=HERS, deleted_at=datetime.now(UTC))
    async with client_of(await serve(replace(settings, bcrypt_rounds=7), house_database)) as made:
        yield made


async def spread(client: Client, rounds: int, status: int) -> float:
    """Guess at logins of each kind by turns; return how far the median times differ, seconds."""
    took, answers = dict[str, list[float]](), set[str]()
    for _ in range(rounds):
        for login in ("alice", "gone", "nobody"):
            started = time.perf_counter()
            response = await sign_in(client, login, WRONG)
            took.setdefault(login, []).append(time.perf_counter() - started)
            document = {**await response.json(), "request_id": ""}
            answers.add(f"{document} {sorted(response.headers)}")
            assert (response.status, len(answers)) == (status, 1)
    return max(map(median, took.values())) - min(map(median, took.values()))


class TestAnswer:
    @pytest.mark.parametrize(("limit", "status"), [(1_000, 401), (1, 429)])
    async def test_takes_the_same_time_whoever_it_is(
        self, costly: Client, monkeypatch: Patch, limit: int, status: int
    ) -> None:
        monkeypatch.setattr(credentials, "GUESSES_AT_LOGIN", limit)
        await spread(costly, 1, 401)
        tries = 6  # for others may be noisy
        while await spread(costly, 24, status) > 0.005:
            assert (tries := tries - 1)

    async def test_shows_it_when_nobody_has_a_cheaper_hash(self, costly: Client) -> None:
        costly.app[PASSWORDS]._nobodys_hash = hash_password(PASSWORD, 4)
        assert await spread(costly, 9, 401) > 0.005
