"""`shop-api worker` as a process of its own: it carries, takes over, waits, and ends soon."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from embedded import kafka
from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.events import commit_many, drained, own_name, tell, until
from tests.kit.exchange import audit, everything
from tests.kit.gates import silent_server
from tests.support.clients import client_of
from tests.support.keys import APPLICATIONS, application
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi, free_port
from tests.support.shops import run, value

END_LIMIT = 10.0  # seconds, by the promise

Begin = Callable[..., ShopApi]


@pytest.fixture
def begin(busy_settings: Settings, tmp_path: Path) -> Iterator[Begin]:
    """Give a way to start workers; all end with the test."""
    with ExitStack() as stack:

        def start(kafka_servers: str = busy_settings.kafka_servers, **more: str) -> ShopApi:
            environment = {
                "DATABASE_URL": busy_settings.database_url,
                "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
                **more,
            }
            worker = ShopApi(tmp_path / f"{own_name()}.log", "worker", **environment)
            stack.callback(worker.stop)
            return worker

        yield start


async def said(worker: ShopApi, text: str) -> None:
    """Wait until a worker has printed a text."""

    async def is_there() -> bool:
        assert not worker.ended, worker.said
        return text in worker.said

    await until(is_there, PATIENCE)


async def end(worker: ShopApi) -> float:
    """Let a worker end as a supervisor does; return how many seconds that took."""
    started = time.monotonic()
    assert await asyncio.to_thread(worker.stop) == 0, worker.said
    return time.monotonic() - started


def lines(worker: ShopApi) -> list[dict[str, object]]:
    """Return the lines of a worker's log, each of which must be one JSON object."""
    return lines_of(worker.said)


class TestWorker:
    @pytest.mark.kafka
    async def test_carries_and_hears_what_another_process_has_taken_in(
        self, serve: Serve, busy_settings: Settings, busy_database: Database, begin: Begin
    ) -> None:
        worker = begin()
        guest = client_of(await serve(busy_settings, busy_database))
        name = own_name()
        answer = await guest.post(APPLICATIONS, json=application(), headers={"X-Request-ID": name})
        assert answer.status == 201
        event_id = str(await value(busy_database, "SELECT event_id FROM outbox")).encode()
        await drained(busy_database, PATIENCE)
        heard = await everything(busy_settings.kafka_servers, "applications")
        ours = [message for message in heard if dict(message.headers)["event_id"] == event_id]
        assert [message.value for message in ours] == [await answer.read()]
        await guest.close()
        await said(worker, name)  # it has come back to the worker itself
        assert await end(worker) <= END_LIMIT
        (line,) = [line for line in lines(worker) if line.get("request_id") == name]
        assert line["event"] == "application received"
        assert lines(worker)[-1]["event"] == "stopped"

    @pytest.mark.parametrize("broker", ["away", "silent"])
    async def test_ends_soon_without_a_broker(self, begin: Begin, broker: str) -> None:
        async with silent_server() as silent:
            worker = begin(silent if broker == "silent" else f"127.0.0.1:{free_port()}")
            await said(worker, "waiting" if broker == "away" else "working")
            seconds = await end(worker)
        tell(f"end of a worker, broker {broker}, in seconds", seconds)
        assert seconds <= END_LIMIT
        told = [line["event"] for line in lines(worker) if line.get("loop") == "relay"]
        assert told == (["waiting"] if broker == "away" else [])
        assert not any("exception" in line for line in lines(worker))


class TestTwoWorkers:
    async def test_deliver_everything_though_one_is_killed(
        self, busy_settings: Settings, busy_database: Database, begin: Begin
    ) -> None:
        topic = own_name()
        with kafka.server() as broker:
            workers = [begin(broker.address), begin(broker.address)]
            for worker in workers:
                await said(worker, "working")
            broker.slow_down(400)
            committed = await commit_many(busy_database, topic, 1000, keys=500)
            both = "SELECT count(DISTINCT lease_owner) = 2 FROM outbox"
            await until(lambda: value(busy_database, both))
            workers[0].process.kill()
            workers[0].process.wait()
            broker.slow_down(0)
            expire = "UPDATE outbox SET lease_until = lease_until - interval '18 seconds'"
            await run(busy_database, f"{expire} WHERE lease_owner IS NOT NULL")
            seconds = await drained(busy_database, 30)
            figures = audit(committed, await everything(broker.address, topic))
            await end(workers[1])
        tell(f"one of two workers was killed, drained in {seconds} seconds", figures)
        assert (figures.lost, figures.phantoms, figures.inversions) == (0, 0, 0)


class TestWrongSetting:
    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ({"KAFKA_BOOTSTRAP_SERVERS": "nowhere"}, "Error: KAFKA_BOOTSTRAP_SERVERS: Must be"),
            ({"KAFKA_BOOTSTRAP_SERVERS": "h:0"}, "Error: KAFKA_BOOTSTRAP_SERVERS: Must be"),
            ({"DATABASE_URL": "mysql://h/d"}, "Error: DATABASE_URL must be a PostgreSQL address"),
            (
                {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/none"},
                "Error: PostgreSQL cannot be used",
            ),
        ],
    )
    async def test_is_told_in_one_sentence(
        self, begin: Begin, setting: dict[str, str], sentence: str
    ) -> None:
        worker = begin(**setting)
        assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 1
        assert worker.said.startswith(sentence)
        assert len(worker.said.splitlines()) == 1
