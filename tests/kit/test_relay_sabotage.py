"""The audit that our relay passes tells on naive ones; each meeting is forced, not hoped for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from kit.db import Database
from kit.settings import Settings
from tests.kit.events import PATIENCE, own_name, publishing
from tests.kit.exchange import ChangedMind, Figures, audit, everything
from tests.kit.naive_relays import (
    BeforeTheCommit,
    Naive,
    Ours,
    Scheme,
    WithCursor,
    WithSkipLocked,
)
from tests.shop.races import until_one_waits

pytestmark = pytest.mark.kafka

Make = Callable[[type[Scheme]], Scheme]


@pytest_asyncio.fixture
async def make(busy_settings: Settings, busy_database: Database) -> AsyncIterator[Make]:
    """Give a way to make schemes that share a database."""
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(publishing(busy_settings.kafka_servers))

        def build(kind: type[Scheme]) -> Scheme:
            scheme = kind(busy_settings, busy_database, producer)
            stack.push_async_callback(scheme.end)
            return scheme

        yield build


async def carry_all(scheme: Scheme) -> None:
    """Carry until nothing is left."""
    async with asyncio.timeout(PATIENCE):
        while await scheme.carry():
            pass


class TestIdsThatCommitLate:
    @pytest.mark.parametrize(("kind", "lost"), [(Ours, 0), (WithCursor, 1)])
    async def test_are_lost_by_a_cursor(
        self,
        busy_settings: Settings,
        busy_database: Database,
        make: Make,
        kind: type[Scheme],
        lost: int,
    ) -> None:
        topic, scheme = own_name(), make(kind)
        async with busy_database.writing() as late:
            await scheme.record(late, topic, "a", 1)
            async with busy_database.writing() as early:
                await scheme.record(early, topic, "b", 2)
            await carry_all(scheme)
        await carry_all(scheme)
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit({"a": [1], "b": [2]}, heard) == Figures(2, 2 - lost, lost=lost)


class TestTransactionThatIsTakenBack:
    @pytest.mark.parametrize(("kind", "phantoms"), [(Ours, 0), (BeforeTheCommit, 1)])
    async def test_is_told_by_who_publishes_before_the_commit(
        self,
        busy_settings: Settings,
        busy_database: Database,
        make: Make,
        kind: type[Scheme],
        phantoms: int,
    ) -> None:
        topic, scheme = own_name(), make(kind)
        with suppress(ChangedMind):
            async with busy_database.writing() as session:
                await scheme.record(session, topic, "a", 1)
                await carry_all(scheme)
                raise ChangedMind
        async with busy_database.writing() as session:
            await scheme.record(session, topic, "b", 2)
        await carry_all(scheme)
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit({"b": [2]}, heard) == Figures(1, 1 + phantoms, phantoms=phantoms)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold the first message that is sent; the events say that it is held, and may go on."""
    is_held, may_go = asyncio.Event(), asyncio.Event()
    genuine = AIOKafkaProducer.send

    async def send(self: AIOKafkaProducer, *args: Any, **kwargs: Any) -> Any:
        if not is_held.is_set():
            is_held.set()
            await asyncio.wait_for(may_go.wait(), PATIENCE)
        return await genuine(self, *args, **kwargs)

    monkeypatch.setattr(AIOKafkaProducer, "send", send)
    return is_held, may_go


class TestTwoRelays:
    @pytest.mark.parametrize(("kind", "inversions"), [(Ours, 0), (WithSkipLocked, 1)])
    async def test_swap_events_of_a_key_when_only_rows_are_locked(
        self,
        busy_settings: Settings,
        busy_database: Database,
        make: Make,
        monkeypatch: pytest.MonkeyPatch,
        gate: tuple[asyncio.Event, asyncio.Event],
        kind: type[Scheme],
        inversions: int,
    ) -> None:
        monkeypatch.setattr("kit.relay.MOST", 1)
        topic, first, second = own_name(), make(kind), make(kind)
        for number in (1, 2):
            async with busy_database.writing() as session:
                await first.record(session, topic, "a", number)
        is_held, may_go = gate
        held = asyncio.create_task(first.carry())
        await asyncio.wait_for(is_held.wait(), PATIENCE)
        await carry_all(second)
        may_go.set()
        assert await held == 1
        await carry_all(second)
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit({"a": [1, 2]}, heard) == Figures(2, 2, inversions=inversions)


class TestIdsOfAKey:
    @pytest.mark.parametrize(("kind", "inversions"), [(Ours, 0), (Naive, 1)])
    async def test_differ_from_the_order_of_commits_when_nobody_takes_turns(
        self,
        busy_settings: Settings,
        busy_database: Database,
        make: Make,
        kind: type[Scheme],
        inversions: int,
    ) -> None:
        topic, scheme, committed = own_name(), make(kind), list[int]()

        async def second() -> None:
            async with busy_database.writing() as session:
                await scheme.record(session, topic, "a", 2)
            committed.append(2)

        async with busy_database.writing() as session:
            await scheme.record(session, topic, "a", 1)
            other = asyncio.create_task(second())
            await (until_one_waits(busy_database) if kind is Ours else other)
        committed.append(1)
        await asyncio.wait_for(other, PATIENCE)
        await carry_all(scheme)
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit({"a": committed}, heard) == Figures(2, 2, inversions=inversions)
