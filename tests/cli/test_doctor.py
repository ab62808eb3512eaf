"""`shop-api doctor`: what is well, what may become a trouble, and which knob to turn."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from click.testing import Result

from cli.ailments import Fleet
from cli.doctor_settings import check_settings, is_remote
from embedded import kafka, valkey
from kit.engine import lone_engine
from kit.settings import Settings
from tests.cli.conftest import Run
from tests.kit.events import publishing

SOUND = {"WEATHER_PROVIDER": "fake"}


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[str]:
    """Run a Valkey of this test's own that keeps what it is given."""
    with valkey.server(tmp_path / "valkey") as url:
        yield url


def line(found: Result, name: str, kind: str) -> str:
    """Return the only line of a kind about something."""
    (only,) = [x for x in found.output.splitlines() if x.startswith(f"{kind:<5} {name} ")]
    return only


class TestDoctor:
    def test_is_content_with_a_sound_house(self, run: Run, keeper: str) -> None:
        found = run("doctor", REDIS_URL=keeper, **SOUND)
        assert found.exit_code == 0, found.output
        assert [line[:2] for line in found.output.splitlines()] == ["ok"] * 5

    def test_warns_of_what_can_be_done_without(self, run: Run) -> None:
        found = run("doctor", WEATHER_URL="http://127.0.0.1:1")
        assert found.exit_code == 0, found.output
        warning = line(found, "weather", "warn")
        assert "open-meteo gives no answer (ClientConnectorError)" in warning
        assert warning.endswith("WEATHER_PROVIDER=fake.")

    @pytest.mark.parametrize(
        ("given", "name", "knob"),
        [
            ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "redis", "correct REDIS_URL"),
            ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "kafka", "KAFKA_BOOTSTRAP_SERVERS"),
        ],
    )
    def test_names_what_is_away(
        self, run: Run, given: dict[str, str], name: str, knob: str
    ) -> None:
        found = run("doctor", **given, **SOUND)
        assert found.exit_code == 1
        assert knob in line(found, name, "FAIL")


class TestConnections:
    def test_of_all_containers_are_added(self, run: Run) -> None:
        found = run("doctor", "--web", "3", "--workers", "2", WORKERS="2", **SOUND)
        assert found.exit_code == 0, found.output
        wanted = "68 connections wanted by 6 web processes and 2 workers"
        assert wanted in line(found, "postgresql", "ok")
        assert "160 of " in line(found, "redis", "ok")

    def test_that_are_too_many_name_the_knobs(self, run: Run) -> None:
        found = run("doctor", WORKERS="10", **SOUND)
        assert found.exit_code == 1
        told = line(found, "postgresql", "FAIL")
        assert "104 connections wanted by 10 web processes and 1 worker" in told
        assert "lower WORKERS" in told
        assert "max_connections" in told

    def test_that_do_not_fit_twice_are_told(self, run: Run) -> None:
        found = run("doctor", WORKERS="6", **SOUND)
        assert found.exit_code == 0, found.output
        assert "wants 124 connections" in line(found, "postgresql", "warn")

    async def test_of_others_are_taken_off(self, run: Run, busy_settings: Settings) -> None:
        before = await left(run)
        engine = lone_engine(busy_settings)
        async with AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(engine.connect())
            assert await left(run) == before - 3
        await engine.dispose()

    def test_to_redis_are_counted_as_well(self, run: Run, keeper: str) -> None:
        with redis.Redis.from_url(keeper) as client:
            client.config_set("maxclients", 50)
        found = run("doctor", "--web", "2", REDIS_URL=keeper, **SOUND)
        assert found.exit_code == 1
        told = line(found, "redis", "FAIL")
        assert "60 connections wanted by 2 web processes and 1 worker, and 50 are allowed" in told
        assert "raise maxclients" in told


async def left(run: Run) -> int:
    """Return how many connections the doctor says are left."""
    found = await asyncio.to_thread(run, "doctor", **SOUND)
    told = re.search(r"there are (\d+) of \d+ \(", line(found, "postgresql", "ok"))
    assert told is not None
    return int(told[1])


class TestRedis:
    def test_that_forgets_is_told(self, run: Run, keeper: str) -> None:
        with redis.Redis.from_url(keeper) as client:
            client.config_set("maxmemory", "100mb")
            client.config_set("maxmemory-policy", "allkeys-lru")
        found = run("doctor", REDIS_URL=keeper, **SOUND)
        assert found.exit_code == 0, found.output
        assert "allkeys-lru" in line(found, "redis", "warn")
        assert "set noeviction" in line(found, "redis", "warn")

    def test_that_keeps_nothing_is_told(self, run: Run) -> None:
        found = run("doctor", **SOUND)  # the tests' own server
        assert found.exit_code == 0, found.output
        assert "set appendonly yes" in line(found, "redis", "warn")


class TestKafka:
    async def test_tells_partitions_and_workers_too_many(self, run: Run) -> None:
        with kafka.server() as broker:
            given = SOUND | {"KAFKA_BOOTSTRAP_SERVERS": broker.address}
            before = await asyncio.to_thread(run, "doctor", **given)
            assert "orders not made yet" in line(before, "kafka", "ok")
            async with publishing(broker.address) as producer:
                await producer.send_and_wait("orders", b"{}")
            found = await asyncio.to_thread(run, "doctor", "--workers", "5", **given)
        assert found.exit_code == 0, found.output
        assert "orders with 4 partitions" in line(found, "kafka", "ok")
        assert "5 workers share 4 partitions" in line(found, "kafka", "warn")


class TestSettings:
    def test_that_count_for_one_process_are_refused_to_several(self, run: Run) -> None:
        found = run("doctor", "--web", "2", RATE_LIMITER_BACKEND="memory", **SOUND)
        assert found.exit_code == 1
        assert "set it to redis" in line(found, "settings", "FAIL")

    async def test_that_trust_the_network_are_told(self, settings: Settings) -> None:
        open_ones = replace(
            settings,
            redis_url="redis://redis:6379/0",
            users_service_url="http://users:8000",
            service_token="0123456789abcdef",
        )
        alone = Fleet(1, 1, 1)
        first, second = (await check_settings(open_ones, alone)).warnings
        assert "REDIS_URL" in first
        assert "USERS_SERVICE_URL" in second
        closed_ones = replace(
            open_ones, redis_url="redis://:own@redis:6379/0", users_service_url="https://users"
        )
        assert (await check_settings(closed_ones, alone)).warnings == []
        assert (await check_settings(settings, alone)).warnings == []

    @pytest.mark.parametrize(
        ("host", "remote"),
        [
            *((None, False), ("", False), ("localhost", False), ("127.0.0.7", False)),
            *(("::1", False), ("10.0.0.1", True), ("redis", True), ("2001:db8::1", True)),
        ],
    )
    def test_know_another_machine(self, host: str | None, remote: bool) -> None:
        assert is_remote(host) is remote
