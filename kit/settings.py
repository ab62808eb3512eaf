"""What the environment decides, read once into a frozen dataclass."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from dotenv import load_dotenv
from environs import Env, EnvError
from marshmallow import validate

from kit.production import DEFAULT_PASSWORD, DEFAULT_SENDER, refusal
from kit.setting_checks import (
    Network,
    are_networks,
    are_servers,
    is_a_while,
    is_http,
    is_key,
    is_redis,
    is_sender,
    is_smtp,
    is_token,
    networks,
)

SERVICE = "shop-api"
VERSION = "0.1.0"


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which and what fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold every setting; `from_environment` is the only place that reads them."""

    app_env: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    host: str
    port: int
    workers: int
    worker_port: int
    cookie_secure: bool
    session_idle: timedelta
    session_lifetime: timedelta
    bcrypt_rounds: int
    kafka_servers: str
    rate_limiter_calls: int
    rate_limiter_period: timedelta
    rate_limiter_backend: str
    trusted_proxies: tuple[Network, ...]
    users_service_url: str
    service_token: str = field(repr=False)
    weather_provider: str
    weather_api_key: str = field(repr=False)
    weather_url: str
    smtp_url: str = field(repr=False)
    mail_from: str
    otlp_endpoint: str
    log_level: str
    log_format: str
    log_file: str
    log_file_bytes: int
    log_file_backups: int

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the process environment.

        Raises:
            SettingsError: a value does not parse, or is unsafe in production.
        """
        env = Env(eager=False)
        try:
            values = read(env)
            env.seal()
        except EnvError as error:
            raise SettingsError(_sentence(error)) from None
        return cls(**values)

    def __post_init__(self) -> None:
        """Refuse what does not fit together, also after an option has replaced a value."""
        self._refuse_the_contradictory()
        unsafe = refusal(self) if self.app_env == "production" else None
        if unsafe is not None:
            raise SettingsError(unsafe)

    def _refuse_the_contradictory(self) -> None:
        if self.session_idle > self.session_lifetime:
            raise SettingsError("SESSION_IDLE is longer than SESSION_LIFETIME: make it shorter.")
        if self.weather_provider == "openweathermap" and not self.weather_api_key:
            raise SettingsError("WEATHER_PROVIDER=openweathermap needs a WEATHER_API_KEY.")


def read(env: Env) -> dict[str, Any]:
    """Declare each variable with its default and its bounds."""
    return {
        "app_env": _one_of(env, "APP_ENV", "development", "production"),
        "database_url": env.str("DATABASE_URL", None) or _database_url(env),
        "redis_url": env.str("REDIS_URL", "redis://127.0.0.1:6379/0", validate=is_redis),
        "host": env.str("APP_HOST", "127.0.0.1"),
        "port": env.int("APP_PORT", 8000, validate=validate.Range(1, 65535)),
        "worker_port": env.int("WORKER_PORT", 0, validate=validate.Range(0, 65535)),
        "workers": env.int("WORKERS", 1, validate=validate.Range(1, 64)),
        "cookie_secure": env.bool("COOKIE_SECURE", False),
        "session_idle": _while(env, "SESSION_IDLE", timedelta(days=1)),
        "session_lifetime": _while(env, "SESSION_LIFETIME", timedelta(days=14)),
        "bcrypt_rounds": env.int("BCRYPT_ROUNDS", 12, validate=validate.Range(4, 18)),
        "kafka_servers": env.str(
            "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092", validate=are_servers
        ),
        "rate_limiter_calls": env.int(
            "RATE_LIMITER_CALLS", 20, validate=validate.Range(1, 1_000_000)
        ),
        "rate_limiter_period": _while(env, "RATE_LIMITER_PERIOD", timedelta(seconds=60)),
        "rate_limiter_backend": _one_of(env, "RATE_LIMITER_BACKEND", "redis", "memory"),
        "trusted_proxies": networks(env.str("TRUSTED_PROXIES", "", validate=are_networks)),
        "users_service_url": env.str("USERS_SERVICE_URL", "", validate=is_http),
        "service_token": env.str("SERVICE_TOKEN", "", validate=is_token),
        "weather_provider": _one_of(
            env, "WEATHER_PROVIDER", "open-meteo", "openweathermap", "fake"
        ),
        "weather_api_key": env.str("WEATHER_API_KEY", "", validate=is_key),
        "weather_url": env.str("WEATHER_URL", "", validate=is_http),
        "smtp_url": env.str("SMTP_URL", "", validate=is_smtp),
        "mail_from": env.str("MAIL_FROM", DEFAULT_SENDER, validate=is_sender),
        "otlp_endpoint": env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "", validate=is_http),
        **_read_log(env),
    }


def _read_log(env: Env) -> dict[str, Any]:
    return {
        "log_level": env.str(
            "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
        ),
        "log_format": _one_of(env, "LOG_FORMAT", "auto", "json", "console"),
        "log_file": env.str("LOG_FILE", ""),
        "log_file_bytes": env.int(
            "LOG_FILE_BYTES", 10_000_000, validate=validate.Range(10_000, 10_000_000_000)
        ),
        "log_file_backups": env.int("LOG_FILE_BACKUPS", 5, validate=validate.Range(1, 20)),
    }


def _database_url(env: Env) -> str:
    user = quote(env.str("POSTGRES_USER", "postgres"), safe="")
    password = quote(env.str("POSTGRES_PASSWORD", DEFAULT_PASSWORD), safe="")
    port = env.int("POSTGRES_PORT", 5432, validate=validate.Range(1, 65535))
    name = quote(env.str("POSTGRES_DB", "postgres"), safe="")
    host = env.str("POSTGRES_HOST", "127.0.0.1")
    if host.startswith("/"):
        return f"postgresql://{user}:{password}@/{name}?host={quote(host)}&port={port}"
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{user}:{password}@{host}:{port}/{name}"


def _one_of(env: Env, name: str, default: str, *others: str) -> str | None:
    return env.str(name, default, validate=validate.OneOf([default, *others]))


def _while(env: Env, name: str, default: timedelta) -> timedelta | None:
    try:
        return env.timedelta(name, default, validate=is_a_while)
    except OverflowError:
        raise SettingsError(f"{name}: Must be at most 400 days.") from None


def load_dotenv_file() -> None:
    """Add what `.env` in this folder says to the environment, which comes first.

    Raises:
        SettingsError: it is not text.
    """
    try:
        load_dotenv(".env")
    except UnicodeDecodeError:
        raise SettingsError(".env is not UTF-8 text.") from None


def _sentence(error: EnvError) -> str:
    messages = getattr(error, "error_messages", {})
    return " ".join(
        f"{name}: {' '.join(map(str, texts))}" for name, texts in messages.items()
    ) or str(error)
