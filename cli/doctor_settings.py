"""Look at settings that are right by themselves, but not with each other or with the network."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from cli.ailments import Ailment, Finding, Fleet
from kit.settings import Settings


async def check_settings(settings: Settings, fleet: Fleet) -> Finding:
    """Name what the settings' own checks cannot know or must let pass.

    Raises:
        Ailment: several processes would each count for themselves.
    """
    if settings.rate_limiter_backend == "memory" and fleet.web_processes > 1:
        raise Ailment(
            f"RATE_LIMITER_BACKEND=memory counts for one process of {fleet.web_processes}: "
            "set it to redis."
        )
    found = f"{settings.app_env}, bcrypt {settings.bcrypt_rounds} rounds"
    return Finding(found, list(_doubts(settings)))


def _doubts(settings: Settings) -> Iterator[str]:
    redis = urlsplit(settings.redis_url)
    if is_remote(redis.hostname) and not redis.password:
        yield (
            f"Redis at {redis.hostname} is asked without a password, and it holds the sessions:"
            " put one into REDIS_URL, or keep others out of that network."
        )
    users = urlsplit(settings.users_service_url)
    if users.scheme == "http" and is_remote(users.hostname) and settings.service_token:
        yield (
            f"SERVICE_TOKEN goes to {users.hostname} in clear: use https in USERS_SERVICE_URL, or"
            " keep others out of that network."
        )


def is_remote(host: str | None) -> bool:
    """Tell whether a host is another machine; a path to a socket is none."""
    if not host or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return True
