"""Settings for tests: the defaults, quick hashes, and servers that are named."""

from environs import Env

from kit.settings import Settings, read


def make_settings(database_url: str, redis_url: str, kafka_servers: str = "h:1") -> Settings:
    """Return the settings of an empty environment with these servers."""
    env = Env()
    named = {
        "database_url": database_url,
        "redis_url": redis_url,
        "kafka_servers": kafka_servers,
        "bcrypt_rounds": 4,
        "weather_provider": "fake",
    }
    return Settings(**{**read(env), **named})
