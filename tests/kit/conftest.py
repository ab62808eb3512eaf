"""The house behind its own server, in other conditions, and with its log in view."""

import io
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiokafka import AIOKafkaConsumer
from redis import asyncio as aioredis

import monolith
from embedded import kafka
from embedded.kafka import Broker
from kit import log
from kit.cache import Cache
from kit.db import Database
from kit.mailer import Mailer
from kit.server import Runner, listen
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.caching import Row
from tests.kit.doors import dead_port
from tests.kit.mailbox import Mailbox, mailbox
from tests.support.clients import Client, client_of
from tests.support.log_lines import lines_of

VisitAt = Callable[[Settings, Database | None], Awaitable[Client]]
Lines = Callable[[], list[dict[str, Any]]]


@pytest_asyncio.fixture
async def visit_at(serve: Serve) -> AsyncIterator[VisitAt]:
    """Give a way to visit a house with other settings."""
    made: list[Client] = []

    async def make(settings: Settings, opened: Database | None) -> Client:
        made.append(client_of(await serve(settings, opened)))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def without_redis(settings: Settings) -> Settings:
    """Point at a port where no Redis listens."""
    return replace(settings, redis_url=f"redis://127.0.0.1:{dead_port()}/0")


@pytest.fixture
def without_postgresql(settings: Settings) -> Settings:
    """Point at a port where no PostgreSQL listens."""
    return replace(settings, database_url=f"postgresql://postgres@127.0.0.1:{dead_port()}/none")


@pytest_asyncio.fixture
async def raw_port(
    settings: Settings, house_database: Database, redis: aioredis.Redis
) -> AsyncIterator[int]:
    """Serve the house with the service's own runner and give its port."""
    runner = Runner(monolith.create_app(settings, database=house_database))
    await runner.setup()
    listening = listen("127.0.0.1", 0)
    await web.SockSite(runner, listening).start()
    yield listening.getsockname()[1]
    await runner.cleanup()


@pytest.fixture
def log_text(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Configure logs as JSON and give a way to read all that was written."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()  # else configuring closes the handlers of pytest
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    # the service's runner keeps no second record of requests, the tests' server does
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)
    log.configure("INFO", "json")
    yield written.getvalue
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def log_lines(log_text: Callable[[], str]) -> Lines:
    """Give a way to read the lines of the log, each of which must be one JSON object."""
    return lambda: lines_of(log_text())


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Run a broker that this test may bring into trouble."""
    with kafka.server() as running:
        yield running


@pytest.fixture
def trouble(busy_settings: Settings, broker: Broker) -> Settings:
    """Point at that broker and at a database of this test's own."""
    return replace(busy_settings, kafka_servers=broker.address)


@pytest.fixture
def without_kafka(busy_settings: Settings) -> Settings:
    """Point at a port where no broker listens, and at a database of this test's own."""
    return replace(busy_settings, kafka_servers=f"127.0.0.1:{dead_port()}")


@pytest.fixture
def quick_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who returns to a group of an embedded broker wait for half a second instead of nine."""
    if "TEST_KAFKA" not in os.environ:  # which does not allow that
        monkeypatch.setattr("kit.kafka.MEMBER_LIMIT", 1500)
        quick = partial(AIOKafkaConsumer, heartbeat_interval_ms=300)
        monkeypatch.setattr("kit.kafka.AIOKafkaConsumer", quick)


@pytest.fixture
def short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a relay give up sooner what is on its way."""
    monkeypatch.setattr("kit.sending.SENDING", 0.3)
    monkeypatch.setattr("kit.sending.CONFIRMING", 0.5)


@pytest.fixture
def quick_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let less time pass between two tries of what fails, and between two looks for them."""
    monkeypatch.setattr("kit.parking.FIRST_WAIT", 0.05)
    monkeypatch.setattr("kit.parking.LONGEST_WAIT", 0.2)
    monkeypatch.setattr("kit.consumer.LISTEN", 100)


@pytest.fixture
def quick_mailer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let less time pass between two looks at the queue."""
    monkeypatch.setattr("kit.mailer.POLL", 0.05)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Run a mail server."""
    with mailbox() as running_box:
        yield running_box


@pytest.fixture
def mailer(box: Mailbox, busy_settings: Settings, busy_database: Database) -> Mailer:
    """Build a mailer of that server."""
    return Mailer(box.at(busy_settings), busy_database)


@pytest.fixture
def cache(redis: aioredis.Redis) -> Cache:
    """Give a cache over an empty Valkey."""
    return Cache(redis)


@pytest.fixture
def row() -> Row:
    """Give a row that is not cached."""
    return Row()
