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
from tests.support.crowds import Gate
from tests.users.cards import gather_people, statements
from tests.users.conftest import House
from tests.users.forms import cookie_of

pytestmark = pytest.mark.concurrent

MISSES = 200  # of each worker
FEW = 40


async def selects_of_a_crowd(
    house: House, patch: pytest.MonkeyPatch, misses: int
) -> tuple[list[int], set[int]]:
    """Let so many miss a card at once on each worker; return each one's SELECTs, and statuses."""
    people = await gather_people(house)
    gate, turns, connector = Gate(), cycle(people.readers), TCPConnector(limit=0)
    looks: list[Look | None] = []
    genuine = Cache.through

    async def held(cache: Cache, name: str, load: Any, look: Look | None = None) -> Any:
        looks.append(look)
        await gate.wait()
        return await genuine(cache, name, load, look)

    async def ask() -> int:
        reader = next(turns)
        cookie, url = f"session={cookie_of(reader)}", reader.make_url(people.address)
        async with client.get(url, headers={"Cookie": cookie}) as response:
            return response.status

    patch.setattr(Cache, "through", held)
    with ExitStack() as stack:
        sent = [stack.enter_context(statements(worker)) for worker in house.workers]
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as client:
            flying = await gate.fill(2 * misses, ask, turned_away=503)
            gate.open()
            statuses = set(await asyncio.gather(*flying))
    assert len(looks) == 2 * misses
    assert all(look and look.body is None for look in looks)
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
