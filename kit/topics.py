"""Make the topics that are needed, where the broker lets us."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from kit.kafka import ANSWER_LIMIT, START_LIMIT, STOP_LIMIT, KafkaAway
from kit.log import logger
from kit.settings import SERVICE, Settings

PARTITIONS = 6
BROKERS_CHOICE = -1  # replicas: as many as the broker's own setting says


def _new_topic(name: str) -> NewTopic:
    topic = NewTopic(name, PARTITIONS, 1)
    topic.replication_factor = BROKERS_CHOICE  # which the constructor would refuse
    return topic


def _tell(answers: Sequence[tuple[str, int, str | None]]) -> None:
    """Log what became of each topic; another worker may have been faster."""
    for name, code, _ in answers:
        error = for_code(code)
        if error is NoError:
            logger.info("topic made", topic=name)
        elif error is not TopicAlreadyExistsError:
            logger.warning("topic not made", topic=name, cause=error.__name__)


async def _has_controller(admin: AIOKafkaAdminClient) -> bool:
    """Tell whether somebody makes topics; an imitation of a cluster may have nobody."""
    cluster = await admin.describe_cluster()
    found = cluster["controller_id"] in {broker["node_id"] for broker in cluster["brokers"]}
    if not found:
        logger.info("topics not made", cause="no controller")
    return found


@asynccontextmanager
async def _administrator(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect, and part within bounds."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_servers,
        client_id=SERVICE,
        request_timeout_ms=ANSWER_LIMIT,
    )
    try:
        yield admin
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT):
                await admin.close()


async def partitions(settings: Settings) -> dict[str, int]:
    """Return how many partitions each topic has; asking makes none.

    Raises:
        KafkaAway: no broker answers in time.
    """
    async with _administrator(settings) as admin:
        try:
            async with asyncio.timeout(START_LIMIT):
                await admin.start()
                found = await admin.describe_topics()
        except (KafkaError, OSError, TimeoutError, UnicodeError) as error:
            raise KafkaAway(f"{settings.kafka_servers}: {type(error).__name__}") from error
    return {topic["topic"]: len(topic["partitions"]) for topic in found}


class Topics:
    """Make the topics that are missing, once, where the broker lets us."""

    def __init__(self, settings: Settings, names: Collection[str]) -> None:
        self._settings = settings
        self._wanted = set(names)
        self._turn = asyncio.Lock()

    async def ensure(self) -> None:
        """Return when nothing is left to do; a broker that refuses makes topics as it likes.

        Raises:
            KafkaAway: no broker answers in time.
        """
        async with self._turn:
            if self._wanted:
                await self._make()

    async def _make(self) -> None:
        async with _administrator(self._settings) as admin:
            try:
                async with asyncio.timeout(START_LIMIT):
                    await admin.start()
                    missing = sorted(self._wanted - set(await admin.list_topics()))
                    if missing and await _has_controller(admin):
                        answer = await admin.create_topics([_new_topic(name) for name in missing])
                        _tell(answer.topic_errors)
            except (KafkaConnectionError, OSError, TimeoutError, UnicodeError) as error:
                cause = f"{self._settings.kafka_servers}: {type(error).__name__}"
                raise KafkaAway(cause) from error
            except KafkaError as error:
                if error.retriable:
                    raise KafkaAway(type(error).__name__) from error
                names = sorted(self._wanted)
                logger.info("topics not made", topics=names, cause=type(error).__name__)
        self._wanted.clear()
