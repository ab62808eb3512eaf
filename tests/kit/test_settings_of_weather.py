"""Who is asked for the weather, where he is, and the key that he knows us by."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from kit.settings import Settings, SettingsError
from tests.kit.named_settings import cases, is_taken, refusal
from tests.support.processes import PATIENCE, ShopApi

NAMES = ("WEATHER_PROVIDER", "WEATHER_API_KEY", "WEATHER_URL")
GOOD = {
    "WEATHER_PROVIDER": ["open-meteo", "fake"],
    "WEATHER_API_KEY": ["", "x", "0123456789abcdef" * 2, "!~" * 128],
    "WEATHER_URL": [
        *("", "http://127.0.0.1:8080", "https://weather.example/", "http://[::1]:8080"),
        *("http://weather_1", "http://weather.example."),
    ],
}
BAD = {
    "WEATHER_PROVIDER": ["", "open_meteo", "Open-Meteo", "openmeteo", "none", "fake,open-meteo"],
    "WEATHER_API_KEY": ["x" * 257, "two words", "ключ", "tab\t", "new\nline", "\x7f", " x"],
    "WEATHER_URL": [
        *("weather", "weather:80", "ftp://weather", "//weather", "http://", "http://w:port"),
        *(
            "http://w:0",
            "http://w:65536",
            "http://w/v1",
            "http://w?x=1",
            "http://[::1",
            "file:///",
        ),
        *("http://me:canary@weather", "http://canary@weather", " http://w", "http://w\n"),
    ],
}
KEY = "canary-0123456789abcdef"
NEEDS_KEY = "WEATHER_PROVIDER=openweathermap needs a WEATHER_API_KEY."
COMMANDS = ["serve", "worker", "routes", "migrate", "doctor"]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a single one of these variables."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


class TestWeather:
    def test_is_that_of_open_meteo_by_default(self) -> None:
        settings = Settings.from_environment()
        assert settings.weather_provider == "open-meteo"
        assert (settings.weather_api_key, settings.weather_url) == ("", "")

    @pytest.mark.parametrize(("name", "value"), cases(GOOD))
    def test_is_taken_as_it_is_named(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        assert is_taken(monkeypatch, name, value)

    @pytest.mark.parametrize(("name", "value"), cases(BAD))
    def test_is_refused_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        assert refusal(monkeypatch, name, value)


class TestKey:
    def test_is_needed_by_openweathermap_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WEATHER_PROVIDER", "openweathermap")
        for empty in (None, ""):
            if empty is not None:
                monkeypatch.setenv("WEATHER_API_KEY", empty)
            with pytest.raises(SettingsError) as caught:
                Settings.from_environment()
            assert str(caught.value) == NEEDS_KEY
        monkeypatch.setenv("WEATHER_API_KEY", KEY)
        assert Settings.from_environment().weather_provider == "openweathermap"

    @pytest.mark.parametrize("provider", ["open-meteo", "openweathermap", "fake"])
    def test_is_not_shown(self, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
        monkeypatch.setenv("WEATHER_PROVIDER", provider)
        monkeypatch.setenv("WEATHER_API_KEY", KEY)
        settings = Settings.from_environment()
        assert settings.weather_api_key == KEY
        assert KEY not in f"{settings!r} {settings}"

    def test_stays_secret_when_it_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WEATHER_API_KEY", f"{KEY} ")
        with pytest.raises(SettingsError) as caught:
            Settings.from_environment()
        assert KEY not in str(caught.value)
        assert caught.value.__cause__ is None


class TestCommandLine:
    def test_ends_without_the_key(self, tmp_path: Path) -> None:
        refused = ShopApi(tmp_path / "log", "serve", WEATHER_PROVIDER="openweathermap")
        assert refused.process.wait(PATIENCE) == 1
        assert refused.said == f"Error: {NEEDS_KEY}\n"

    @pytest.mark.parametrize("command", COMMANDS)
    def test_says_in_one_sentence_what_is_wrong(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for given, sentence in (
            ({"WEATHER_PROVIDER": "openweathermap"}, NEEDS_KEY),
            ({"WEATHER_URL": "weather"}, "WEATHER_URL: Must be an address such as "),
        ):
            refused = CliRunner().invoke(main, [command], env=given)
            assert refused.exit_code == 1
            assert refused.output.startswith(f"Error: {sentence}")
            assert len(refused.output.splitlines()) == 1
