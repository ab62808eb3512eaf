"""Run what works beside the web."""

import asyncio

import click

import monolith
from cli.parked import with_database
from kit import init, log, outbox
from kit.server import STOPPING
from kit.settings import Settings
from kit.telling import told
from kit.worker import working


class WorkerBroken(Exception):
    """The worker cannot go on; the text says what to do."""


@click.command(epilog="Example: KAFKA_BOOTSTRAP_SERVERS=kafka:9092 shop-api worker")
def worker() -> None:
    """Carry events from the outbox to Kafka, hear them, and delete what is too old.

    Several may run; when one dies, another takes over. While Kafka is away, events wait.
    """
    init.act_as_init()
    settings = Settings.from_environment()
    log.start(settings)
    with told(settings):
        asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop.set)
    await with_database(settings, outbox.peek)  # so that a wrong address is told at once
    log.logger.info("working", kafka=settings.kafka_servers)
    async with working(settings, monolith.TOPICS, monolith.create_handlers) as broken:
        ends = [asyncio.ensure_future(event.wait()) for event in (stop, broken)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        is_broken = broken.is_set()
    if is_broken:
        raise WorkerBroken("A part of the worker has ended, as the log tells: start it again.")
    log.logger.info("stopped")
