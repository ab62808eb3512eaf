"""Whatever a weather service does but answer: nobody can tell, and no city is unknown for it."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from picnic.weather.protocol import Answer, Found, NotFound, Observations, Unavailable
from tests.kit import conftest as of_kit
from tests.kit.doors import dead_port
from tests.kit.events import tell
from tests.picnic.faults import (
    DOCUMENTS,
    QUICK,
    STATUSES,
    WIRE,
    at_first,
    redirecting,
    says,
    sends,
)
from tests.picnic.providers import HERE, PROVIDERS, asking
from tests.picnic.stage import KEY, staged

REDIRECTS = [301, 302, 303, 307, 308]

log_text = of_kit.log_text


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let less time pass before the second try."""
    monkeypatch.setattr("picnic.weather.http.PAUSE", 0.005)


async def ask_both(
    provider: str, url: str, key: str = KEY
) -> tuple[Answer, Observations | Unavailable]:
    """Look for a city and for its weather; providers are new, so that nothing has failed yet."""
    async with asking(provider, url, key=key) as first, asking(provider, url, key=key) as second:
        return await asyncio.gather(first.find("Berlin"), second.observe([HERE]))


@pytest.mark.parametrize("provider", PROVIDERS)
class TestFault:
    @pytest.mark.parametrize("faults", [WIRE, STATUSES, DOCUMENTS], ids=["wire", "status", "text"])
    async def test_says_neither_that_there_is_a_city_nor_that_there_is_none(
        self, provider: str, faults: dict[str, object]
    ) -> None:
        async with staged() as stage:
            for name in faults:
                stage.play = QUICK[name]
                found, known = await ask_both(provider, stage.url)
                tell(name, (found, known))
                assert isinstance(found, Unavailable), name
                assert isinstance(known, Unavailable) or known == {}, name

    async def test_may_be_that_nobody_listens(self, provider: str) -> None:
        found, known = await ask_both(provider, f"http://127.0.0.1:{dead_port()}")
        assert found == known == Unavailable("ClientConnectorError")

    async def test_may_be_that_the_service_is_over_quota(self, provider: str) -> None:
        async with staged(STATUSES["429"]) as stage:
            found, known = await ask_both(provider, stage.url)
        assert found == known == Unavailable("status 429")

    @pytest.mark.parametrize("status", REDIRECTS)
    async def test_may_be_a_redirect_which_nobody_follows(
        self, provider: str, status: int
    ) -> None:
        async with staged() as elsewhere, staged(redirecting(status, elsewhere.url)) as stage:
            found, known = await ask_both(provider, stage.url)
            assert found == known == Unavailable(f"status {status}")
            assert (len(stage.asked), elsewhere.asked) == (2, [])

    async def test_is_over_when_the_service_is_back(self, provider: str) -> None:
        async with (
            staged(at_first(STATUSES["429"])) as stage,
            asking(provider, stage.url) as weather,
        ):
            assert isinstance(await weather.find("Berlin"), Unavailable)
            assert isinstance(await weather.find("Berlin"), Found)
            assert await weather.find("Atlantis") == NotFound()


class TestOpenWeatherMap:
    async def test_takes_no_wrong_key(self) -> None:
        async with staged() as stage:
            found, known = await ask_both("openweathermap", stage.url, key="wrong")
        assert found == known == Unavailable("status 401")

    @pytest.mark.parametrize("code", ["404", 404])
    async def test_means_a_city_only_by_its_own_404(self, code: str | int) -> None:
        async with staged(says({"cod": code, "message": "city not found"}, 404)) as stage:
            found, known = await ask_both("openweathermap", stage.url)
        assert found == NotFound()
        assert known == Unavailable("status 404")


class TestQuestion:
    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_tells_nothing_of_whoever_asks(self, provider: str) -> None:
        baited = sends(b"{}", 200, "application/json", **{"Set-Cookie": "track=me; Path=/"})
        async with staged(baited) as stage, asking(provider, stage.url) as weather:
            for _ in range(2):
                await weather.find("Berlin")
        assert len(stage.headers) == 2
        for headers in stage.headers:
            assert headers.keys() == {"Host", "Accept", "Accept-Encoding", "User-Agent"}
            assert headers["Accept-Encoding"] == "identity"
            assert "shop" not in headers["User-Agent"].lower()


class TestKey:
    async def test_is_in_no_log_whatever_goes_wrong(self, log_text: Callable[[], str]) -> None:
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger("of.a.library").debug("something small")
        async with staged() as stage:
            for stage.play in QUICK.values():
                async with asking("openweathermap", stage.url) as weather:
                    answers = [await weather.find("Berlin") for _ in range(3)]
                assert KEY not in repr((weather, answers))
            assert {url.query["appid"] for url in stage.asked} == {KEY}
        async with asking("openweathermap", f"http://127.0.0.1:{dead_port()}") as weather:
            assert KEY not in repr([await weather.find("Berlin") for _ in range(3)])
        assert "something small" in log_text()
        assert "weather away" in log_text()
        assert KEY not in log_text()
