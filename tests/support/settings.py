"""Settings for tests: the defaults, quick hashes, and servers that are named."""

import os
import re
from dataclasses import replace
from pathlib import Path

from environs import Env
from sqlalchemy import make_url

from kit.settings import Settings, read

TEMPLATE = Path(__file__).parents[2] / ".env.template"


def named() -> list[str]:
    """Return the names of all settings, as the template has them."""
    return re.findall(r"^#?([A-Z_]+)=", TEMPLATE.read_text(), re.MULTILINE)


def forget() -> None:
    """Take the settings of whoever runs the tests, as a container has them, from our processes."""
    for name in named():
        os.environ.pop(name, None)


def make_settings(database_url: str, redis_url: str, kafka_servers: str = "h:1") -> Settings:
    """Return the settings of an empty environment with these servers."""
    env = Env()
    known = {
        "database_url": database_url,
        "redis_url": redis_url,
        "kafka_servers": kafka_servers,
        "bcrypt_rounds": 4,
        "weather_provider": "fake",
    }
    return Settings(**{**read(env), **known})


def in_production(settings: Settings) -> Settings:
    """Return settings of the same servers that production takes."""
    url = make_url(settings.database_url).set(password="own")
    return replace(
        settings,
        app_env="production",
        database_url=url.render_as_string(hide_password=False),
        cookie_secure=True,
        bcrypt_rounds=10,
        weather_provider="open-meteo",
    )
