"""What runs beside the web: the relay, the consumer, and whoever takes out what is too old."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from redis import asyncio as aioredis

from kit import idempotency_keys, inbox, outbox
from kit.consumer import Consumer, Handlers
from kit.db import Database, database
from kit.engine import close, create_engine
from kit.log import logger
from kit.mailer import Mailer
from kit.patience import Patience, pause
from kit.pulse import Pulse, beat
from kit.redis import create_redis
from kit.relay import Relay
from kit.settings import SERVICE, Settings
from kit.topics import Topics
from kit.worker_site import shown

CONNECTIONS = 4  # to PostgreSQL, one for each loop
GRACE = 3.0  # seconds for what is under way; what comes after that is bounded, too
PRUNE_EVERY = 60.0  # seconds
PRUNED_AT_ONCE = 5000  # rows of a transaction
SENT_KEPT = timedelta(hours=1)
HEARD_KEPT = timedelta(days=15)  # longer than Kafka keeps messages by default, twice a week

Prune = Callable[..., Awaitable[int]]
Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]

PRUNERS: dict[str, Prune] = {
    "outbox": partial(outbox.prune, kept=SENT_KEPT),
    "inbox": partial(inbox.prune, kept=HEARD_KEPT),
    "idempotency_keys": idempotency_keys.prune,
}


async def prune(opened: Database) -> dict[str, int]:
    """Delete what is too old; return how many rows of each table."""
    gone = dict.fromkeys(PRUNERS, 0)
    for table, prune_some in PRUNERS.items():
        found = PRUNED_AT_ONCE
        while found == PRUNED_AT_ONCE:
            async with opened.writing() as session:
                found = await prune_some(session, most=PRUNED_AT_ONCE)
            beat()
            gone[table] += found
    return gone


async def _housekeeping(opened: Database, stop: asyncio.Event) -> None:
    patience = Patience("housekeeping", stop)
    while not stop.is_set():
        async with patience:
            gone = await prune(opened)
            if any(gone.values()):
                logger.info("pruned", **gone)
            await pause(stop, PRUNE_EVERY)


def _loops(
    settings: Settings, opened: Database, known: Topics, handlers: Handlers
) -> dict[str, Loop]:
    """Name what runs beside each other."""
    loops: dict[str, Loop] = {
        "relay": Relay(settings, opened, known).run,
        "housekeeping": partial(_housekeeping, opened),
        "mailer": Mailer(settings, opened).run,
    }
    if handlers:
        loops["consumer"] = Consumer(settings, opened, known, SERVICE, handlers).run
    return loops


@asynccontextmanager
async def working(
    settings: Settings,
    topics: Collection[str],
    create_handlers: Callable[[Settings, aioredis.Redis], Handlers],
) -> AsyncIterator[asyncio.Event]:
    """Work for as long as the block lasts; leaving it takes less than ten seconds.

    The event that is yielded tells that a loop has ended, which it never should.
    """
    redis, engine = create_redis(settings), create_engine(settings, connections=CONNECTIONS)
    handlers = create_handlers(settings, redis)
    opened, known = database(engine), Topics(settings, topics)
    stop, broken = asyncio.Event(), asyncio.Event()
    loops = _loops(settings, opened, known, handlers)
    pulses = {name: Pulse() for name in loops}
    tasks = [asyncio.ensure_future(pulses[name].of(loop(stop))) for name, loop in loops.items()]

    def ended(_: asyncio.Future[None]) -> None:
        if not stop.is_set():
            logger.error("a loop of the worker has ended")
            broken.set()

    for task in tasks:
        task.add_done_callback(ended)
    try:
        async with shown(settings, opened, pulses):
            try:
                yield broken
            finally:
                stop.set()  # what is under way ends while the site does
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=GRACE)
        for task in late:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception):
                logger.error("unexpected error", exc_info=end)
        await close(engine)
        await redis.aclose()
