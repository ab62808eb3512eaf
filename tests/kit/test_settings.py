"""The environment is read once; what is wrong or unsafe is told in one sentence."""

from datetime import timedelta

import pytest
from sqlalchemy import make_url

from kit.engine import driver_url
from kit.settings import Settings, SettingsError

VARIABLES = [
    *("APP_ENV", "APP_HOST", "APP_PORT", "WORKERS", "DATABASE_URL"),
    *("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"),
    *("REDIS_URL", "COOKIE_SECURE", "SESSION_IDLE", "SESSION_LIFETIME", "BCRYPT_ROUNDS"),
    *("LOG_LEVEL", "LOG_FORMAT", "KAFKA_BOOTSTRAP_SERVERS", "TRUSTED_PROXIES"),
    *("RATE_LIMITER_CALLS", "RATE_LIMITER_PERIOD", "RATE_LIMITER_BACKEND"),
    *("USERS_SERVICE_URL", "SERVICE_TOKEN", "SMTP_URL", "MAIL_FROM"),
]
BAD = {
    "APP_ENV": ["prod", "Production", ""],
    "APP_PORT": ["x", "0", "65536", "80.5", ""],
    "POSTGRES_PORT": ["x", "0", "65536"],
    "WORKERS": ["0", "-1", "65", "many"],
    "REDIS_URL": ["127.0.0.1:6379", "http://127.0.0.1", "x", "redis://127.0.0.1:port/0"],
    "COOKIE_SECURE": ["maybe", "2"],
    "SESSION_IDLE": ["0s", "-1d", "soon", "1 fortnight"],
    "SESSION_LIFETIME": ["0s", "x"],
    "BCRYPT_ROUNDS": ["3", "19", "x", "12.5"],
    "LOG_LEVEL": ["LOUD", "info!"],
    "LOG_FORMAT": ["xml"],
    "KAFKA_BOOTSTRAP_SERVERS": [
        "",
        "kafka",
        "kafka:0",
        "kafka:65536",
        "http://k:1",
        "k:1,",
        "::1:1",
    ],
    "RATE_LIMITER_CALLS": ["", "0", "-1", "many", "1.5", "1000001"],
    "RATE_LIMITER_PERIOD": ["", "0s", "-1s", "500ms", "401d", "soon", "99999999999d"],
    "RATE_LIMITER_BACKEND": ["", "Redis", "postgresql"],
    "TRUSTED_PROXIES": ["proxy.example", "10.0.0.0/33", "::1/129", "10.0.0.0/8;::1", "*", "[::1]"],
    "USERS_SERVICE_URL": ["users:8000", "ftp://users", "http://", "http://u:0", "http://u/api"],
    "SERVICE_TOKEN": ["x" * 15, "x" * 257, "токен" * 5, "two words, too long", "x" * 20 + "\n"],
    "SMTP_URL": ["mail:25", "http://mail", "smtp://", "smtp://m:0", "smtp://m/x", "smtp://m?a=1"],
    "MAIL_FROM": ["", "shop", "@shop", "shop@", "a@b@c", "Shop <a@b>", "ж@b", "a@b\n"],
}

Given = dict[str, str]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a single variable of ours."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, given: Given) -> Settings:
    """Read the settings of an environment."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


class TestDefaults:
    def test_are_those_of_the_contract(self) -> None:
        settings = Settings.from_environment()
        assert settings.database_url == "postgresql://postgres:skytrack@127.0.0.1:5432/postgres"
        assert settings.redis_url == "redis://127.0.0.1:6379/0"
        assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
        assert settings.session_idle == timedelta(days=1)
        assert settings.session_lifetime == timedelta(days=14)
        assert (settings.cookie_secure, settings.bcrypt_rounds) == (False, 12)
        assert (settings.rate_limiter_calls, settings.rate_limiter_backend) == (20, "redis")
        assert settings.rate_limiter_period == timedelta(seconds=60)
        assert (settings.kafka_servers, settings.trusted_proxies) == ("127.0.0.1:9092", ())

    def test_give_way_to_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = read(monkeypatch, {"SESSION_IDLE": "90s", "APP_PORT": "80", "WORKERS": "4"})
        assert settings.session_idle == timedelta(seconds=90)
        assert (settings.port, settings.workers) == (80, 4)

    def test_of_the_limit_give_way_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limit = {"RATE_LIMITER_CALLS": "3", "RATE_LIMITER_PERIOD": "1500ms"}
        settings = read(monkeypatch, {**limit, "RATE_LIMITER_BACKEND": "memory"})
        assert (settings.rate_limiter_calls, settings.rate_limiter_backend) == (3, "memory")
        assert settings.rate_limiter_period == timedelta(seconds=1.5)

    @pytest.mark.parametrize("servers", ["kafka:9092", "a.example:1, [::1]:65535,127.0.0.1:9"])
    def test_of_kafka_give_way_as_well(
        self, monkeypatch: pytest.MonkeyPatch, servers: str
    ) -> None:
        given = {"KAFKA_BOOTSTRAP_SERVERS": servers}
        assert read(monkeypatch, given).kafka_servers == servers

    @pytest.mark.parametrize(
        ("value", "networks"),
        [
            ("", []),
            ("127.0.0.1", ["127.0.0.1/32"]),
            ("10.0.0.1/8 , ::1,2001:db8::/32", ["10.0.0.0/8", "::1/128", "2001:db8::/32"]),
        ],
    )
    def test_of_proxies_give_way_as_well(
        self, monkeypatch: pytest.MonkeyPatch, value: str, networks: list[str]
    ) -> None:
        settings = read(monkeypatch, {"TRUSTED_PROXIES": value})
        assert [str(network) for network in settings.trusted_proxies] == networks


class TestBadValues:
    @pytest.mark.parametrize(("name", "value"), [(k, v) for k in BAD for v in BAD[k]])
    def test_are_named_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        with pytest.raises(SettingsError) as caught:
            read(monkeypatch, {name: value})
        sentence = str(caught.value)
        assert name in sentence
        assert "\n" not in sentence
        assert len(sentence) < 200
        assert caught.value.__suppress_context__

    def test_are_all_named_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(SettingsError) as caught:
            read(monkeypatch, {"APP_PORT": "x", "WORKERS": "0"})
        assert {"APP_PORT", "WORKERS"} <= set(str(caught.value).replace(":", " ").split())

    def test_of_both_lengths_of_sessions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(SettingsError, match="SESSION_IDLE"):
            read(monkeypatch, {"SESSION_IDLE": "2d", "SESSION_LIFETIME": "1d"})

    @pytest.mark.parametrize("url", ["x", "mysql://h/d", "postgresql://h:port/d", "sqlite://"])
    def test_of_the_database_name_it(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        with pytest.raises(SettingsError, match="DATABASE_URL"):
            driver_url(read(monkeypatch, {"DATABASE_URL": url}))

    def test_never_show_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("REDIS_URL", "DATABASE_URL"):
            with pytest.raises(SettingsError) as caught:
                driver_url(read(monkeypatch, {name: "http://user:canary@host"}))
            assert "canary" not in str(caught.value)


class TestDatabaseAddress:
    def test_as_a_whole_beats_its_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parts = {"POSTGRES_HOST": "other", "POSTGRES_PORT": "1", "POSTGRES_PASSWORD": "p"}
        settings = read(monkeypatch, {"DATABASE_URL": "postgresql://u:p@h:5/d", **parts})
        assert settings.database_url == "postgresql://u:p@h:5/d"

    @pytest.mark.parametrize("word", ["p@ss:w/ord?#[]%&+ ", "пароль", "a%40b", "'\"\\", "@" * 9])
    def test_keeps_special_characters(self, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
        given = {"POSTGRES_USER": word, "POSTGRES_PASSWORD": word, "POSTGRES_DB": word}
        settings = read(monkeypatch, {**given, "POSTGRES_HOST": "db.example"})
        for url in (make_url(settings.database_url), driver_url(settings)):
            assert (url.username, url.password, url.database) == (word, word, word)
            assert (url.host, url.port) == ("db.example", 5432)

    @pytest.mark.parametrize("host", ["::1", "/var/run/postgresql"])
    def test_takes_every_kind_of_host(self, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
        url = driver_url(read(monkeypatch, {"POSTGRES_HOST": host}))
        assert host in (url.host, url.query.get("host"))


class TestRepr:
    def test_holds_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        urls = {"DATABASE_URL": "postgresql://u:canary@h/d", "REDIS_URL": "redis://:canary@h/0"}
        more = {"SMTP_URL": "smtp://u:canary@h", "SERVICE_TOKEN": "canary" * 3}
        assert "canary" not in repr(read(monkeypatch, urls | more))
