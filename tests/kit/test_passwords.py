"""Passwords: every character counts, hashing leaves the loop alone, and only so many may wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from threading import Event
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from kit import passwords
from kit.db import Database
from kit.passwords import MOST_WAITING, Passwords, PasswordsBusy, check_password, hash_password
from tests.support.clients import Client, add_user, problem, sign_in

LONG = "p" * 72
PAIRS = {
    "beyond 72 bytes": (LONG + "a", LONG + "b"),
    "128 characters of four bytes": ("🦑" * 127 + "a", "🦑" * 127 + "b"),
    "cut at 72": (LONG + "tail", LONG),
    "NUL in the middle": ("before\x00after", "before\x00other"),
    "cut at NUL": ("before\x00after", "before"),
    "an empty one": ("", " "),
    "composed and decomposed": ("é", "e\u0301"),
    "white space": (" secret ", "secret"),
    "case": ("Пароль", "пароль"),
}


class TestHash:
    @pytest.mark.parametrize(("password", "other"), PAIRS.values(), ids=PAIRS)
    def test_counts_every_character(self, password: str, other: str) -> None:
        hashed = hash_password(password, 4)
        assert check_password(password, hashed)
        assert not check_password(other, hashed)

    def test_is_salted_and_says_its_cost(self) -> None:
        first, second = hash_password("x", 5), hash_password("x", 5)
        assert first != second
        assert first.startswith("$2b$05$")


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[Passwords]:
    """Open a pool at the cost of production."""
    opened = Passwords(12)
    yield opened
    opened.close()


async def lag_while(work: Callable[[], Awaitable[Any]]) -> float:
    """Return the longest time that the loop was late while some work went on, in seconds."""
    done, longest = asyncio.Event(), 0.0

    async def tick() -> None:
        nonlocal longest
        while not done.is_set():
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - started - 0.001)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await work()
    done.set()
    await ticking
    return longest


class TestLoop:
    async def test_stays_responsive_while_threads_hash(self, pool: Passwords) -> None:
        async def off_the_loop() -> None:
            await asyncio.gather(*(pool.hash("secret") for _ in range(8)))

        async def on_the_loop() -> None:
            for _ in range(2):
                hash_password("secret", 12)
                await asyncio.sleep(0)

        blocked = await lag_while(on_the_loop)
        lags: list[float] = []
        while len(lags) < 3 and not (lags and min(lags) < blocked / 4):
            lags.append(await lag_while(off_the_loop))  # another process may take the core
        assert min(lags) < blocked / 4, (lags, blocked)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Hold every check of a password until the event is set."""
    event = Event()
    monkeypatch.setattr(passwords, "check_password", lambda *_: event.wait(10))
    return event


async def full(pool: Passwords) -> list[asyncio.Task[bool]]:
    """Let as many wait as may."""
    most = pool._threads + MOST_WAITING
    tasks = [asyncio.create_task(pool.matches("x", "y")) for _ in range(most)]
    await asyncio.sleep(0)
    return tasks


class TestBound:
    async def test_refuses_who_would_wait_too_long(self, pool: Passwords, held: Event) -> None:
        waiting = await full(pool)
        with pytest.raises(PasswordsBusy):
            await pool.matches("x", None)
        with pytest.raises(PasswordsBusy):
            await pool.hash("x")
        held.set()
        assert all(await asyncio.gather(*waiting))
        assert await pool.matches("x", "y")

    async def test_frees_the_place_of_who_left(self, pool: Passwords, held: Event) -> None:
        waiting = await full(pool)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        held.set()
        assert await pool.matches("x", "y")

    async def test_is_told_as_unavailable(
        self, guest: Client, server: TestServer, house_database: Database, held: Event
    ) -> None:
        await add_user(house_database, "dora")
        server_pool = server.app[passwords.PASSWORDS]
        waiting = await full(server_pool)
        response = await sign_in(guest, "dora")
        held.set()
        await problem(response, 503, "passwords-busy")
        assert response.headers["Retry-After"]
        await asyncio.gather(*waiting)


class TestNobody:
    async def test_never_matches(self, pool: Passwords) -> None:
        assert not await pool.matches("", None)

    async def test_costs_as_much_as_somebody(
        self, pool: Passwords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        costs: list[str] = []

        def note(_: str, hashed: str) -> bool:
            costs.append(hashed[:7])
            return True

        monkeypatch.setattr(passwords, "check_password", note)
        assert await pool.matches("x", hash_password("x", 12))
        assert not await pool.matches("x", None)
        assert costs == ["$2b$12$", "$2b$12$"]
