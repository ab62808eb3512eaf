"""Production refuses what is unsafe, in one sentence that names the variable."""

from dataclasses import replace

import pytest

from kit.settings import Settings, SettingsError

SAFE = {
    "APP_ENV": "production",
    "POSTGRES_PASSWORD": "own",
    "COOKIE_SECURE": "true",
    "REDIS_URL": "redis://:own@redis:6379/0",
    "SERVICE_TOKEN": "0123456789abcdef0123456789abcdef",
    "WORKERS": "4",
    "TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.7,fc00::/7",
    "SMTP_URL": "smtp://mail.example.com",
    "MAIL_FROM": "shop@example.com",
}
UNSET = ("DATABASE_URL", "BCRYPT_ROUNDS", "LOG_LEVEL", "WEATHER_PROVIDER")
MEMORY = {"RATE_LIMITER_BACKEND": "memory"}

Given = dict[str, str]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with what is safe."""
    for name in (*UNSET, *MEMORY):
        monkeypatch.delenv(name, raising=False)
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)


def read(monkeypatch: pytest.MonkeyPatch, given: Given) -> Settings:
    """Read the settings of the safe environment with some changes."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


class TestProduction:
    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"POSTGRES_PASSWORD": "skytrack"}, "POSTGRES_PASSWORD"),
            ({"DATABASE_URL": "postgresql://u:skytrack@h/d"}, "POSTGRES_PASSWORD"),
            ({"DATABASE_URL": "postgresql://u:sky%74rack@h/d"}, "POSTGRES_PASSWORD"),
            ({"DATABASE_URL": "postgresql://u@h/d"}, "POSTGRES_PASSWORD"),
            ({"REDIS_URL": "redis://:skytrack@redis:6379/0"}, "REDIS_URL"),
            ({"REDIS_URL": "rediss://shop:sky%74rack@redis:6379/0"}, "REDIS_URL"),
            ({"SERVICE_TOKEN": "skytrack-skytrack"}, "SERVICE_TOKEN"),
            ({"COOKIE_SECURE": "false"}, "COOKIE_SECURE=true"),
            ({"BCRYPT_ROUNDS": "9"}, "BCRYPT_ROUNDS"),
            ({"LOG_LEVEL": "DEBUG"}, "LOG_LEVEL"),
            ({"WEATHER_PROVIDER": "fake"}, "WEATHER_PROVIDER"),
            (MEMORY | {"WORKERS": "2"}, "RATE_LIMITER_BACKEND=redis or WORKERS=1"),
            ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES"),
            ({"TRUSTED_PROXIES": "10.1.2.3,::/0"}, "TRUSTED_PROXIES"),
            ({"TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}, "TRUSTED_PROXIES"),
            ({"TRUSTED_PROXIES": "::ffff:0.0.0.0/96"}, "TRUSTED_PROXIES"),
            ({"MAIL_FROM": "shop-api@localhost"}, "MAIL_FROM"),
        ],
    )
    def test_refuses_what_is_unsafe(
        self, monkeypatch: pytest.MonkeyPatch, changes: Given, name: str
    ) -> None:
        with pytest.raises(SettingsError) as caught:
            read(monkeypatch, changes)
        sentence = str(caught.value)
        assert sentence.startswith("APP_ENV=production needs ")
        assert name in sentence
        assert "skytrack" not in sentence
        assert sentence.count(".") - sentence.count("10.0.0.0/8") * 3 == 1
        assert read(monkeypatch, changes | {"APP_ENV": "development"}).app_env == "development"

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            MEMORY | {"WORKERS": "1"},
            {"SMTP_URL": "", "MAIL_FROM": "shop-api@localhost"},
            {"DATABASE_URL": "postgresql://[::1/d"},  # whoever connects says what is wrong
            {"REDIS_URL": "redis://redis:6379/0"},  # a private network may be enough
            {"TRUSTED_PROXIES": "", "SERVICE_TOKEN": ""},
            {"LOG_LEVEL": "WARNING", "BCRYPT_ROUNDS": "10"},
        ],
    )
    def test_takes_what_is_safe(self, monkeypatch: pytest.MonkeyPatch, changes: Given) -> None:
        assert read(monkeypatch, changes).app_env == "production"

    def test_refuses_what_an_option_makes_unsafe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = read(monkeypatch, MEMORY | {"WORKERS": "1"})
        with pytest.raises(SettingsError, match="RATE_LIMITER_BACKEND"):
            replace(settings, workers=2)  # as `shop-api serve --workers 2` does
