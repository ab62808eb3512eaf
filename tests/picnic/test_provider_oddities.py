"""Answers that nearly make sense, and the moment at which two clocks ring at once."""

import asyncio
import time
from typing import Any

import pytest

from picnic.weather.http import LIMIT
from picnic.weather.protocol import Unavailable
from tests.picnic.faults import SLOW, says, silent, twisted
from tests.picnic.providers import HERE, PROVIDERS, WHERE, asking
from tests.picnic.stage import Play, staged
from tests.picnic.test_provider_faults import ask_both
from tests.picnic.test_provider_limits import BUSY, timed
from tests.picnic.test_providers import changing, now_at

TOO_LATE = Unavailable("no answer in time")
NO_LISTS: list[Any] = [{}, "", 0, False, None]
NEARLY: list[Any] = [
    "generationtime_ms",
    ["generationtime_ms"],
    *({"generationtime_ms": 0.1, "results": odd} for odd in NO_LISTS),
    {"generationtime_ms": 0.1, "error": True, "reason": "overloaded"},
    {"results": {}},
]


class TestSeconds:
    async def test_are_one_and_a_half_however_slow_it_is(self) -> None:
        async def ask(provider: str, play: Play) -> None:
            async with staged(play) as stage, asking(provider, stage.url) as weather:
                for answer, seconds in await asyncio.gather(
                    timed(weather.find("Berlin")), timed(weather.observe([HERE]))
                ):
                    assert answer == TOO_LATE
                    assert 0.9 * LIMIT < seconds < BUSY * LIMIT
                assert len(stage.asked) == 2  # there is no time for another try

        pairs = [(provider, play) for provider in PROVIDERS for play in SLOW.values()]
        await asyncio.gather(*(ask(*pair) for pair in pairs))

    async def test_are_no_more_when_the_loop_was_busy_at_that_moment(self) -> None:
        async with staged(silent) as stage, asking("open-meteo", stage.url) as weather:
            asked = asyncio.create_task(timed(weather.find("Berlin")))
            await asyncio.sleep(LIMIT - 0.05)
            time.sleep(0.1)  # noqa: ASYNC251 - so that all timers are due at once
            answer, seconds = await asked
            assert (answer, len(stage.asked)) == (TOO_LATE, 1)
            assert seconds < BUSY * LIMIT


class TestOpenWeatherMap:
    @pytest.mark.parametrize("main", [None, [], "mild", 7], ids=repr)
    async def test_may_say_something_else_than_how_warm_it_is(self, main: Any) -> None:
        async with staged(twisted(lambda document: {**document, "main": main})) as stage:
            found, known = await ask_both("openweathermap", stage.url)
        assert isinstance(found, Unavailable)
        assert isinstance(known, Unavailable)


class TestOpenMeteo:
    @pytest.mark.parametrize("document", NEARLY, ids=repr)
    async def test_says_only_with_a_list_that_there_is_no_such_city(self, document: Any) -> None:
        async with staged(says(document)) as stage:
            found, known = await ask_both("open-meteo", stage.url)
        assert isinstance(found, Unavailable)
        assert isinstance(known, Unavailable)

    @pytest.mark.parametrize("odd", [{}, None, {"error": True}], ids=repr)
    async def test_may_tell_nothing_of_one_place(self, odd: Any) -> None:
        async with (
            staged(twisted(changing(1, lambda _: odd))) as stage,
            asking("open-meteo", stage.url) as weather,
        ):
            known = await weather.observe(WHERE)
        assert known == {place: now_at(place) for place in WHERE if place != WHERE[1]}
