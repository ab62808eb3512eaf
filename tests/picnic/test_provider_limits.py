"""How far a weather service is let in: so many bytes, tries, seconds, and calls at once."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import pytest
from aiohttp import web

from picnic.weather.http import AT_ONCE, CONNECT_LIMIT, LARGEST_ANSWER, LIMIT
from picnic.weather.open_meteo import SOON
from picnic.weather.protocol import Found, Unavailable
from tests.kit.events import tell, until
from tests.picnic.faults import FAULTS, at_first, padded_to, silent
from tests.picnic.providers import HERE, PROVIDERS, asking
from tests.picnic.stage import FORECAST, honest, staged

BUSY = 3  # times as long as it takes while this machine has nothing else to do
CROWD = 24


@contextmanager
def full_port() -> Iterator[int]:
    """Listen where the queue of those who connect is full, so that nobody gets an answer."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for waiting in queue:
            waiting.close()


async def timed(asked: Awaitable[object]) -> tuple[object, float]:
    """Return an answer and how many seconds it took."""
    started = time.perf_counter()
    return await asked, time.perf_counter() - started


@pytest.mark.parametrize("provider", PROVIDERS)
class TestBytes:
    async def test_are_64_kib_and_not_one_more(
        self, provider: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with (
            staged(padded_to(LARGEST_ANSWER)) as stage,
            asking(provider, stage.url) as weather,
        ):
            assert isinstance(await weather.find("Berlin"), Found)
            stage.play = padded_to(LARGEST_ANSWER + 1)
            assert await weather.find("Berlin") == Unavailable("TooLarge")
            monkeypatch.setattr("picnic.weather.http.LARGEST_ANSWER", 10**9)
            assert isinstance(await weather.find("Berlin"), Found)  # so that was the reason


@pytest.mark.parametrize("provider", PROVIDERS)
class TestTries:
    @pytest.mark.parametrize("fault", ["500", "503", "closed without a word"])
    async def test_are_two(
        self, provider: str, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with staged(at_first(FAULTS[fault])) as stage:
            async with asking(provider, stage.url) as weather:
                assert isinstance(await weather.find("Berlin"), Found)
            if fault != "closed without a word":  # which the client tries once more by itself
                monkeypatch.setattr("picnic.weather.http.TRIES", 1)
                stage.play = at_first(FAULTS[fault])
                async with asking(provider, stage.url) as weather:
                    assert isinstance(await weather.find("Berlin"), Unavailable)

    async def test_are_no_more_than_two(self, provider: str) -> None:
        async with staged(FAULTS["500"]) as stage, asking(provider, stage.url) as weather:
            assert await weather.find("Berlin") == Unavailable("status 500")
            assert len(stage.asked) == 2

    @pytest.mark.parametrize("fault", ["429", "401", "403", "302", "HTML", "NaN", "huge body"])
    async def test_is_one_where_another_would_not_help(self, provider: str, fault: str) -> None:
        async with staged(FAULTS[fault]) as stage, asking(provider, stage.url) as weather:
            assert isinstance(await weather.find("Berlin"), Unavailable)
            assert len(stage.asked) == 1


class TestSeconds:
    async def test_are_a_half_to_connect(self) -> None:
        with full_port() as port:

            async def ask(provider: str) -> None:
                async with asking(provider, f"http://127.0.0.1:{port}") as weather:
                    answer, seconds = await timed(weather.find("Berlin"))
                tell(f"{provider} takes no connection", round(seconds, 3))
                assert answer == Unavailable("ConnectionTimeoutError")
                assert 1.8 * CONNECT_LIMIT < seconds < BUSY * LIMIT

            await asyncio.gather(*map(ask, PROVIDERS))

    async def test_are_a_half_for_the_weather_of_a_city_that_was_found(self) -> None:
        async def play(request: web.Request) -> web.StreamResponse:
            return await (silent if request.path == FORECAST else honest)(request)

        async with staged(play) as stage, asking("open-meteo", stage.url) as weather:
            found, seconds = await timed(weather.find("Berlin"))
        assert isinstance(found, Found)
        assert found.observation is None
        assert 0.9 * SOON < seconds < BUSY * SOON


class TestCalls:
    async def crowd(self, provider: str, expected: int) -> int:
        """Ask all at once; return how many calls were under way together, soon `expected`."""
        gate = asyncio.Event()

        async def play(request: web.Request) -> web.StreamResponse:
            await gate.wait()
            return await honest(request)

        async with staged(play) as stage, asking(provider, stage.url) as weather:

            async def is_full() -> bool:
                return stage.busy >= expected

            asked = [asyncio.create_task(weather.observe([HERE])) for _ in range(CROWD)]
            await until(is_full)
            gate.set()
            for known in await asyncio.gather(*asked):
                assert not isinstance(known, Unavailable)
                assert known.keys() == {HERE}
            assert len(stage.asked) == CROWD
            return stage.most

    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_are_eight_at_once(self, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert await self.crowd(provider, AT_ONCE) == AT_ONCE == 8
        for room in ("http", "choose"):  # without both limits
            monkeypatch.setattr(f"picnic.weather.{room}.AT_ONCE", CROWD)
        assert await self.crowd(provider, CROWD) == CROWD

    async def test_wait_no_longer_for_their_turn_than_for_an_answer(self) -> None:
        async with staged(silent) as stage, asking("open-meteo", stage.url) as weather:
            asked = [timed(weather.find(f"Berlin {n}")) for n in range(CROWD)]
            for answer, seconds in await asyncio.gather(*asked):
                assert isinstance(answer, Unavailable)
                assert seconds < BUSY * LIMIT
            assert stage.most == AT_ONCE
