"""Look at Redis, Kafka and the weather service."""

from collections.abc import Iterator, Mapping
from typing import Any

import monolith
from cli.ailments import Ailment, Blemish, Finding, Fleet
from kit import topics
from kit.client import create_client
from kit.kafka import KafkaAway, ping
from kit.redis import POOL_SIZE, create_redis
from kit.settings import Settings
from picnic.weather.choose import create_weather
from picnic.weather.http import CONNECT_LIMIT, LIMIT
from picnic.weather.protocol import Unavailable

KNOWN = "London"  # to every weather service


async def check_redis(settings: Settings, fleet: Fleet) -> Finding:
    """Look whether it has room for all processes, and keeps what it is given.

    Raises:
        Ailment: it has not.
    """
    redis = create_redis(settings)
    try:
        facts = await redis.info()
    finally:
        await redis.aclose()
    wanted = POOL_SIZE * (fleet.web_processes + fleet.workers)
    if wanted > facts["maxclients"]:
        raise Ailment(
            f"{wanted} connections wanted by {fleet}, and {facts['maxclients']} are allowed:"
            " lower WORKERS, run fewer of them, or raise maxclients there."
        )
    version = facts.get("valkey_version") or facts["redis_version"]
    found = f"version {version}, {wanted} of {facts['maxclients']} connections wanted"
    return Finding(found, list(_losses(facts)))


def _losses(facts: Mapping[str, Any]) -> Iterator[str]:
    """Name the ways in which sessions would be lost."""
    policy = facts["maxmemory_policy"]
    if facts["maxmemory"] and policy != "noeviction":
        yield f"maxmemory-policy {policy} signs people out when memory is short: set noeviction."
    if not facts["aof_enabled"]:
        yield "appendonly is off, so a restart signs people out: set appendonly yes."


async def check_kafka(settings: Settings, fleet: Fleet) -> Finding:
    """Look whether it answers, and how many workers can share what is heard.

    Raises:
        Ailment: it does not answer.
    """
    try:
        await ping(settings)
        found = await topics.partitions(settings)
    except KafkaAway as error:
        raise Ailment(
            f"no answer ({error}): events wait until it answers; "
            "start it, or correct KAFKA_BOOTSTRAP_SERVERS."
        ) from error
    ours = {name: found.get(name) for name in monolith.TOPICS}
    told = ", ".join(
        f"{name} {f'with {number} partitions' if number else 'not made yet'}"
        for name, number in ours.items()
    )
    least = min(filter(None, ours.values()), default=fleet.workers)
    return Finding(f"{settings.kafka_servers}: {told}", _idle(fleet, least))


def _idle(fleet: Fleet, partitions: int) -> list[str]:
    if fleet.workers <= partitions:
        return []
    return [f"{fleet.workers} workers share {partitions} partitions of a topic: the rest wait."]


async def check_weather(settings: Settings, _: Fleet) -> Finding:
    """Ask for a city that is known everywhere.

    Raises:
        Blemish: there is no answer.
    """
    client = create_client(limit=LIMIT, connect_limit=CONNECT_LIMIT, at_once=1)
    async with client:
        answer = await create_weather(settings, client).find(KNOWN)
    if isinstance(answer, Unavailable):
        instead = "" if settings.app_env == "production" else ", or set WEATHER_PROVIDER=fake"
        raise Blemish(
            f"{settings.weather_provider} gives no answer ({answer.cause}): cities lack weather,"
            " and none can be added; look at WEATHER_URL, WEATHER_API_KEY and the network"
            f"{instead}."
        )
    return Finding(settings.weather_provider)
