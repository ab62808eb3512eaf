"""Many who miss one cached card at once: one read serves all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from kit.cache import Cache, Look
from kit.flights import Flights
from tests.kit.events import tell
from tests.users.cards import gather_people, statements
from tests.users.conftest import House
from tests.users.forms import cookie_of

pytestmark = pytest.mark.concurrent

BOUND = 60.0  # seconds
MISSES = 200  # of each worker
FEW = 40
AT_ONCE = 20  # as many as a worker has connections to Redis


class Crowd:
    """Hold everybody who has missed the cache until all are there."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.looks: list[Look | None] = []
        self._arrived, self._gate = asyncio.Semaphore(0), asyncio.Event()
        genuine = Cache.through

        async def held(cache: Cache, name: str, load: Any, look: Look | None = None) -> Any:
            self.looks.append(look)
            self._arrived.release()
            await self._gate.wait()
            return await genuine(cache, name, load, look)

        patch.setattr(Cache, "through", held)

    async def let_in(self, number: int, ask: Callable[[], Awaitable[int]]) -> list[int]:
        """Ask so many times, then let all go on at once; return what they get."""
        flying: list[asyncio.Future[int]] = []
        async with asyncio.timeout(BOUND):
            while len(flying) < number:
                flying += [asyncio.ensure_future(ask()) for _ in range(AT_ONCE)]
                for _ in range(AT_ONCE):
                    await self._arrived.acquire()
        self._gate.set()
        return await asyncio.gather(*flying)


async def selects_of_a_crowd(
    house: House, patch: pytest.MonkeyPatch, misses: int
) -> tuple[list[int], set[int]]:
    """Let so many miss a card at once on each worker; return each one's SELECTs, and statuses."""
    people = await gather_people(house)
    crowd, turns = Crowd(patch), cycle(people.readers)
    connector = TCPConnector(limit=0)

    async def ask() -> int:
        reader = next(turns)
        cookie, url = f"session={cookie_of(reader)}", reader.make_url(people.address)
        async with client.get(url, headers={"Cookie": cookie}) as response:
            return response.status

    with ExitStack() as stack:
        sent = [stack.enter_context(statements(worker)) for worker in house.workers]
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as client:
            statuses = set(await crowd.let_in(2 * misses, ask))
    assert len(crowd.looks) == 2 * misses
    assert all(look and look.body is None for look in crowd.looks)
    return [len(found) for found in sent], statuses


class TestManyMissesAtOnce:
    async def test_cost_two_selects_a_worker(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        selects, statuses = await selects_of_a_crowd(house, monkeypatch, MISSES)
        tell(f"{MISSES} misses at once on each worker, SELECTs", selects)
        assert max(selects) <= 2
        assert statuses == {200}

    async def test_show_the_loss_when_nobody_shares(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def alone(_: Any, __: str, load: Callable[[], Awaitable[Any]]) -> Any:
            return await load()

        monkeypatch.setattr(Flights, "join", alone)
        selects, _ = await selects_of_a_crowd(house, monkeypatch, FEW)
        tell(f"{FEW} misses at once on each worker, nobody shares, SELECTs", selects)
        assert min(selects) > 2
