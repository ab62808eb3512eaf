"""Settings for tests: the defaults, quick hashes, and servers that are named."""

from environs import Env

from kit.settings import Settings, read


def make_settings(database_url: str, redis_url: str) -> Settings:
    """Return the settings of an empty environment with these servers."""
    env = Env()
    named = {"database_url": database_url, "redis_url": redis_url, "bcrypt_rounds": 4}
    return Settings(**{**read(env), **named})
