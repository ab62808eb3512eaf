"""A weather service that fails is left alone for a while: one log line says so, one the end."""

import asyncio
from typing import Any

import pytest

from picnic.weather.http import FAILURES
from picnic.weather.protocol import Found, NotFound, Unavailable, Weather
from tests.kit import conftest as of_kit
from tests.kit.conftest import Lines
from tests.kit.doors import dead_port
from tests.kit.events import until
from tests.picnic.faults import FAULTS
from tests.picnic.providers import HERE, PROVIDERS, asking
from tests.picnic.stage import Stage, staged

MANY = 50
NAMES = {"open-meteo": "OpenMeteo", "openweathermap": "OpenWeatherMap"}
LEFT_ALONE = Unavailable("left alone")

log_text, log_lines = of_kit.log_text, of_kit.log_lines


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let less time pass before the second try."""
    monkeypatch.setattr("picnic.weather.http.PAUSE", 0.005)


@pytest.fixture
def short_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a provider be left alone for less time."""
    monkeypatch.setattr("picnic.weather.http.LEFT_ALONE", 0.02)


def told(lines: Lines) -> list[dict[str, Any]]:
    """Return what the log says of the weather, without the times."""
    found = [line for line in lines() if line["event"].startswith("weather ")]
    return [{name: line[name] for name in line if name != "time"} for line in found]


def away(provider: str, cause: str) -> dict[str, Any]:
    """Return the line that says that a provider is left alone."""
    line = {"level": "warning", "event": "weather away", "provider": NAMES[provider]}
    return {**line, "cause": cause}


def back(provider: str) -> dict[str, Any]:
    """Return the line that says that a provider is asked again."""
    return {"level": "info", "event": "weather back", "provider": NAMES[provider]}


async def fail(weather: Weather, times: int) -> None:
    """Ask so often, in vain."""
    for _ in range(times):
        assert isinstance(await weather.find("Berlin"), Unavailable)


async def ask_until_called(weather: Weather, stage: Stage, calls: int) -> None:
    """Ask in vain until the stage was called so many times more."""
    before = len(stage.asked)

    async def is_called() -> bool:
        await fail(weather, 1)
        return len(stage.asked) >= before + calls

    await until(is_called)


async def ask_until_found(weather: Weather) -> None:
    """Ask until there is an answer."""

    async def is_back() -> bool:
        return isinstance(await weather.find("Berlin"), Found)

    await until(is_back)


@pytest.mark.parametrize("provider", PROVIDERS)
class TestOpening:
    @pytest.mark.parametrize(
        ("fault", "cause"),
        [("429", "status 429"), ("HTML", "JSONDecodeError"), ("huge body", "TooLarge")],
    )
    async def test_needs_four_failures_in_a_row(
        self, provider: str, fault: str, cause: str, log_lines: Lines
    ) -> None:
        async with staged(FAULTS[fault]) as stage, asking(provider, stage.url) as weather:
            await fail(weather, FAILURES - 1)
            assert told(log_lines) == []
            await fail(weather, 1)
            assert told(log_lines) == [away(provider, cause)]
            assert len(stage.asked) == FAILURES == 4

    async def test_counts_both_tries(self, provider: str, log_lines: Lines) -> None:
        async with asking(provider, f"http://127.0.0.1:{dead_port()}") as weather:
            await fail(weather, FAILURES // 2)
            assert told(log_lines) == [away(provider, "ClientConnectorError")]
            assert await weather.find("Berlin") == LEFT_ALONE

    async def test_keeps_calls_of_this_kind_away(self, provider: str, log_lines: Lines) -> None:
        async with staged(FAULTS["429"]) as stage, asking(provider, stage.url) as weather:
            await fail(weather, FAILURES)
            stage.play = None  # nobody knows yet that all is well
            found = await asyncio.gather(*(weather.find("Berlin") for _ in range(MANY)))
            known = await asyncio.gather(*(weather.observe([HERE]) for _ in range(MANY)))
            assert found == [LEFT_ALONE] * MANY
            assert len(stage.asked) == FAILURES + MANY
            assert all(HERE in one for one in known if not isinstance(one, Unavailable))
        assert told(log_lines) == [away(provider, "status 429")]

    async def test_without_a_breaker_everybody_calls(
        self, provider: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("picnic.weather.http.FAILURES", 10**6)
        async with staged(FAULTS["429"]) as stage, asking(provider, stage.url) as weather:
            await fail(weather, MANY)
            assert len(stage.asked) == MANY

    async def test_is_said_once_when_many_fail_at_once(
        self, provider: str, log_lines: Lines
    ) -> None:
        async with staged(FAULTS["500"]) as stage, asking(provider, stage.url) as weather:
            await asyncio.gather(*(fail(weather, 2) for _ in range(MANY)))
        assert told(log_lines) == [away(provider, "status 500")]

    async def test_does_not_add_up_failures_with_answers_between(
        self, provider: str, log_lines: Lines
    ) -> None:
        async with staged() as stage, asking(provider, stage.url) as weather:
            for _ in range(3):
                stage.play = FAULTS["429"]
                await fail(weather, FAILURES - 1)
                stage.play = None
                assert isinstance(await weather.find("Berlin"), Found)
        assert told(log_lines) == []

    async def test_is_no_matter_of_cities_that_are_unknown(
        self, provider: str, log_lines: Lines
    ) -> None:
        async with staged() as stage, asking(provider, stage.url) as weather:
            for _ in range(MANY):
                assert await weather.find("Atlantis") == NotFound()
            assert isinstance(await weather.find("Berlin"), Found)
        assert told(log_lines) == []

    async def test_is_a_matter_of_one_provider_in_one_process(self, provider: str) -> None:
        async with (
            staged(FAULTS["429"]) as stage,
            asking(provider, stage.url) as first,
            asking(provider, stage.url) as second,
        ):
            await fail(first, FAILURES)
            stage.play = None
            assert await first.find("Berlin") == LEFT_ALONE
            assert isinstance(await second.find("Berlin"), Found)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.usefixtures("short_while")
class TestClosing:
    async def test_comes_with_the_first_answer_and_is_said_once(
        self, provider: str, log_lines: Lines
    ) -> None:
        async with staged(FAULTS["429"]) as stage, asking(provider, stage.url) as weather:
            await fail(weather, FAILURES)
            await ask_until_called(weather, stage, 10)  # each of which opens it again
            assert told(log_lines) == [away(provider, "status 429")]
            stage.play = None
            await ask_until_found(weather)
            for _ in range(MANY):
                assert isinstance(await weather.find("Berlin"), Found)
        assert told(log_lines) == [away(provider, "status 429"), back(provider)]

    async def test_may_come_with_the_answer_that_there_is_no_such_city(
        self, provider: str, log_lines: Lines
    ) -> None:
        async with staged(FAULTS["429"]) as stage, asking(provider, stage.url) as weather:
            await fail(weather, FAILURES)
            stage.play = None

            async def is_sure() -> bool:
                return await weather.find("Atlantis") == NotFound()

            await until(is_sure)
        assert told(log_lines) == [away(provider, "status 429"), back(provider)]

    async def test_is_said_of_each_outage(self, provider: str, log_lines: Lines) -> None:
        async with staged() as stage, asking(provider, stage.url) as weather:
            for fault in ("429", "HTML", "429"):
                stage.play = FAULTS[fault]
                await fail(weather, FAILURES)
                stage.play = None
                await ask_until_found(weather)
        events = [line["event"] for line in told(log_lines)]
        assert events == ["weather away", "weather back"] * 3
