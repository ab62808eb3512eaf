"""Promise 19 under load: the users service is killed or frozen, friends goes on beside it."""

import asyncio
import itertools
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kit.db import database
from kit.engine import create_engine
from kit.settings import Settings
from tests.conftest import Fresh
from tests.friends.pair import Pair, running, start_users
from tests.friends.people import FRIENDS
from tests.kit.events import tell, until
from tests.support.processes import PATIENCE
from tests.support.shops import rows, run, value

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SOON = 1.5  # seconds, by the promise
WRITERS, READERS = 6, 3
PAUSE = 0.02  # seconds between two requests of one client
OUTAGES, UP, DOWN = 4, 2.0, 2.0  # how often; seconds
NOBODY = 1_000_000_000  # and above: ids that no user has

PEOPLE = """
INSERT INTO users (username, email, first_name, second_name, password_hash)
SELECT 'user' || number, number || '@example.org', 'A', 'User', 'x'
FROM generate_series(1, 30000) AS number
"""


@dataclass
class Load:
    """Ask without end, and remember what was answered."""

    pair: Pair
    people: Iterator[int]
    nobodies: Iterator[int]
    over: bool = False
    made: set[int] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)
    last_made: float = 0.0

    async def ask(self, kind: str, method: str, **sent: Any) -> tuple[int, Any]:
        """Ask once."""
        started = time.perf_counter()
        status, document = await self.pair.ask(method, "friends", FRIENDS, **sent)
        seconds = round(time.perf_counter() - started, 3)
        self.longest[kind] = max(self.longest.get(kind, 0.0), seconds)
        self.seen[f"{kind} {status}"] += 1
        return status, document

    async def write(self) -> None:
        """Befriend one person after another, every fifth of whom nobody knows."""
        for number in itertools.count():
            if self.over:
                return
            known = number % 5 != 0
            target = next(self.people if known else self.nobodies)
            kind = "befriend" if known else "befriend nobody"
            status, _ = await self.ask(kind, "POST", json={"target_id": target})
            if status == 201:
                self.made.add(target)
                self.last_made = time.monotonic()
            await asyncio.sleep(PAUSE)

    async def read(self) -> None:
        """List one's friends again and again."""
        while not self.over:
            status, document = await self.ask("list", "GET")
            items = document.get("items", [])
            nameless = any(item["friend"] is None for item in items)
            self.seen["lists without names"] += status == 200 and nameless
            await asyncio.sleep(PAUSE)


async def kill(pair: Pair, again: Callable[[], None]) -> None:
    """Kill the users service and start it again after a while."""
    pair.users.process.kill()
    pair.users.process.wait()
    await asyncio.sleep(DOWN)
    again()
    await until(pair.are_ready, PATIENCE)


async def freeze(pair: Pair, _: Callable[[], None]) -> None:
    """Let the users service stand still for a while."""
    pair.users.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(DOWN)
    finally:
        pair.users.process.send_signal(signal.SIGCONT)
    await until(pair.are_ready, PATIENCE)


Outage = Callable[[Pair, Callable[[], None]], Awaitable[None]]


async def suffer(load: Load, outage: Outage, again: Callable[[], None]) -> list[float]:
    """Let outages come; return how many seconds after each friends were made again."""
    back = []
    clients = [load.write() for _ in range(WRITERS)] + [load.read() for _ in range(READERS)]
    work = asyncio.gather(*clients)
    for _ in range(OUTAGES):
        await asyncio.sleep(UP)
        await outage(load.pair, again)
        since = time.monotonic()

        async def is_back(since: float = since) -> bool:
            return load.last_made > since

        back.append(round(await until(is_back, PATIENCE), 2))
    load.over = True
    await work
    return back


@pytest.mark.parametrize("outage", [kill, freeze])
async def test_users_service_is_taken_away(
    fresh_database: Fresh, busy_settings: Settings, tmp_path: Path, outage: Outage
) -> None:
    of_users = await fresh_database()
    engines = [create_engine(settings) for settings in (of_users, busy_settings)]
    people, friendships = map(database, engines)
    await run(people, PEOPLE)
    first = await value(people, "SELECT min(id) FROM users")
    async with running(tmp_path, of_users, busy_settings) as pair:
        await pair.sign_up("anna")
        await pair.sign_in("anna")
        load = Load(pair, itertools.count(first), itertools.count(NOBODY))
        port = pair.at["users"].rpartition(":")[2]

        def again() -> None:
            pair.users = start_users(tmp_path, of_users, port)

        back = await suffer(load, outage, again)
        codes = pair.users.stop(), pair.friends.stop()
        defects = pair.friends.said.count("Traceback") + pair.friends.said.count("internal-error")
    stored = {
        row["target_id"] for row in await rows(friendships, "SELECT target_id FROM friendships")
    }
    for engine in engines:
        await engine.dispose()
    seen, longest = dict(sorted(load.seen.items())), load.longest
    unasked, lost = len(stored - load.made), len(load.made - stored)
    figures = {"seen": seen, "longest": longest, "friends again after": back}
    tell(f"\nusers, {OUTAGES} x {outage.__name__}", {**figures, "unasked": unasked, "lost": lost})
    assert (unasked, lost, defects, codes) == (0, 0, 0, (0, 0))
    assert not [target for target in stored if target >= NOBODY]
    allowed = {"befriend 201", "befriend 503", "befriend nobody 404", "befriend nobody 503"}
    assert seen.keys() == allowed | {"list 200", "lists without names"}
    assert max(longest.values()) <= SOON, longest
    assert max(back) <= 2.0
