"""The relay: the message as the contract has it, after the commit, in order per key, and soon."""

import uuid
from collections.abc import Sequence
from contextlib import suppress

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kit import outbox
from kit.db import Database
from kit.settings import Settings
from tests.kit.conftest import VisitAt
from tests.kit.events import (
    commit,
    commit_many,
    drained,
    own_name,
    record,
    relay_of,
    running,
    tell,
)
from tests.kit.exchange import ChangedMind, Figures, Message, Writers, audit, everything
from tests.support.keys import APPLICATIONS, BARE, application
from tests.support.shops import rows, value

pytestmark = pytest.mark.kafka

DRAIN_LIMIT = 10.0  # seconds, by the promise


async def applications_heard(settings: Settings, database: Database) -> list[Message]:
    """Return the messages that belong to the rows of this database's outbox."""
    found = await rows(database, "SELECT event_id FROM outbox")
    ours = {str(row["event_id"]).encode() for row in found}
    heard = await everything(settings.kafka_servers, "applications")
    return [message for message in heard if dict(message.headers).get("event_id") in ours]


class TestMessage:
    @pytest.mark.parametrize("path", [APPLICATIONS, BARE])
    @pytest.mark.parametrize("named", ["my-request.17", None])
    async def test_of_an_application_says_what_the_answer_said(
        self,
        visit_at: VisitAt,
        busy_settings: Settings,
        busy_database: Database,
        path: str,
        named: str | None,
    ) -> None:
        guest = await visit_at(busy_settings, busy_database)
        sent = application(description='Ж\u2028</script> "quoted" \\ \U0001f600')
        headers = {"X-Request-ID": named} if named else {}
        answer = await guest.post(path, json=sent, headers=headers)
        assert answer.status == 201
        async with running(relay_of(busy_settings, busy_database)):
            await drained(busy_database)
        (message,) = await applications_heard(busy_settings, busy_database)
        document = await answer.json()
        assert document.keys() == {"id", "user_name", "description", "created_at"}
        assert message.value == await answer.read()
        assert message.key == str(document["id"]).encode()
        assert len(message.headers) == 3
        assert dict(message.headers) == {
            "event_id": str(await value(busy_database, "SELECT event_id FROM outbox")).encode(),
            "event_type": b"application.created",
            "request_id": (named or answer.headers["X-Request-ID"]).encode(),
        }
        assert (await (await guest.get(f"{path}/{document['id']}")).read()) == message.value

    async def test_has_no_request_id_when_nobody_asked(
        self, busy_settings: Settings, busy_database: Database
    ) -> None:
        topic = own_name()
        await commit(busy_database, topic, "ключ", 1)
        async with running(relay_of(busy_settings, busy_database)):
            await drained(busy_database)
        (message,) = await everything(busy_settings.kafka_servers, topic)
        assert (message.key or b"").decode() == "ключ"
        headers = dict(message.headers)
        assert headers.keys() == {"event_id", "event_type"}
        assert str(uuid.UUID(headers["event_id"].decode())).encode() == headers["event_id"]
        created = await value(busy_database, "SELECT created_at FROM outbox")
        assert message.timestamp == int(created.timestamp() * 1000)

    async def test_is_not_sent_before_the_commit(
        self, busy_settings: Settings, busy_database: Database, other_database: Database
    ) -> None:
        topic = own_name()
        async with running(relay_of(busy_settings, other_database)):
            async with busy_database.writing() as session:
                await record(session, topic, "a", 1)
                await commit(busy_database, topic, "b", 2)  # the relay has passed by the first
                await drained(other_database)
                heard = await everything(busy_settings.kafka_servers, topic)
                assert [orjson.loads(message.value or b"")["number"] for message in heard] == [2]
            await drained(other_database)
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit({"a": [1], "b": [2]}, heard) == Figures(sent=2, received=2)

    async def test_is_not_sent_after_a_rollback(
        self, busy_settings: Settings, busy_database: Database
    ) -> None:
        topic = own_name()
        async with running(relay_of(busy_settings, busy_database)):
            with suppress(ChangedMind):
                async with busy_database.writing() as session:
                    await record(session, topic, "a", 1)
                    raise ChangedMind
            await commit(busy_database, topic, "b", 2)
            await drained(busy_database)
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit({"b": [2]}, heard) == Figures(sent=1, received=1)


class TestExchange:
    @pytest.mark.parametrize("relays", [1, 2])
    async def test_loses_invents_swaps_and_repeats_nothing(
        self, busy_settings: Settings, busy_database: Database, relays: int
    ) -> None:
        topic = own_name()
        several = [relay_of(busy_settings, busy_database) for _ in range(relays)]
        async with running(*several):
            committed = await Writers(busy_database, topic).write(1100)
            await drained(busy_database)
        figures = audit(committed, await everything(busy_settings.kafka_servers, topic))
        tell(f"exchange with {relays} relays", figures)
        assert figures == Figures(sent=1000, received=1000)

    async def test_drains_a_thousand_soon_and_marks_them(
        self,
        busy_settings: Settings,
        busy_database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        topic, told, genuine = own_name(), list[int](), outbox.publish

        async def publish(session: AsyncSession, ids: Sequence[int]) -> None:
            told.extend(ids)
            await genuine(session, ids)

        monkeypatch.setattr(outbox, "publish", publish)
        committed = await commit_many(busy_database, topic, 1000)
        async with running(relay_of(busy_settings, busy_database)):
            seconds = await drained(busy_database, DRAIN_LIMIT)
        tell("drain of 1 000 in seconds", seconds)
        assert seconds <= DRAIN_LIMIT
        heard = await everything(busy_settings.kafka_servers, topic)
        assert audit(committed, heard) == Figures(sent=1000, received=1000)
        marked = """
        SELECT count(*) FROM outbox WHERE published_at IS NOT NULL
            AND lease_until IS NULL AND lease_owner IS NULL AND attempts = 0 AND dead_at IS NULL
        """
        assert await value(busy_database, marked) == 1000
        assert sorted(told) == sorted(set(told))  # each is marked once
