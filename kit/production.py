"""What `APP_ENV=production` refuses to start with, one sentence each."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from kit.settings import Settings

DEFAULT_PASSWORD = "skytrack"  # noqa: S105 - the documented default, which everybody knows
DEFAULT_SENDER = "shop-api@localhost"
WIDEST = {4: 8, 6: 7}  # bits of 10.0.0.0/8 and fc00::/7, the widest of all private networks

Unsafe = Callable[["Settings"], bool]

REFUSED: tuple[tuple[Unsafe, str], ...] = (
    (
        lambda settings: password_of(settings.database_url) in ("", DEFAULT_PASSWORD),
        "needs a POSTGRES_PASSWORD of its own.",
    ),
    (
        lambda settings: password_of(settings.redis_url) == DEFAULT_PASSWORD,
        "needs a REDIS_URL with a password of its own.",
    ),
    (
        lambda settings: DEFAULT_PASSWORD in settings.service_token,
        "needs a SERVICE_TOKEN that nobody can guess: make one at random.",
    ),
    (lambda settings: not settings.cookie_secure, "needs COOKIE_SECURE=true."),
    (lambda settings: settings.bcrypt_rounds < 10, "needs BCRYPT_ROUNDS of 10 or more."),
    (lambda settings: settings.log_level == "DEBUG", "needs a LOG_LEVEL above DEBUG."),
    (
        lambda settings: settings.weather_provider == "fake",
        "needs a WEATHER_PROVIDER that knows the weather: open-meteo or openweathermap.",
    ),
    (
        lambda settings: settings.rate_limiter_backend == "memory" and settings.workers > 1,
        "needs RATE_LIMITER_BACKEND=redis or WORKERS=1, for memory counts for one process only.",
    ),
    (
        lambda settings: any(
            network.prefixlen < WIDEST[network.version] for network in settings.trusted_proxies
        ),
        "needs TRUSTED_PROXIES no wider than 10.0.0.0/8: name the proxies, or visitors choose"
        " their own address.",
    ),
    (
        lambda settings: bool(settings.smtp_url) and settings.mail_from == DEFAULT_SENDER,
        "needs a MAIL_FROM that people can answer, since SMTP_URL is set.",
    ),
)


def refusal(settings: "Settings") -> str | None:
    """Return why these settings are not safe in production; None when they are."""
    found = (what for is_unsafe, what in REFUSED if is_unsafe(settings))
    return next((f"APP_ENV=production {what}" for what in found), None)


def password_of(url: str) -> str | None:
    """Return the password in an address, or nothing; None when it is no address at all."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:  # whoever connects says what is wrong with it
        return None
