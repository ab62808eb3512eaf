"""The event about an application: it says what the answer does, and exists when the row does."""

from typing import Any

import pytest

from applications import service
from applications.errors import ApplicationNotFound
from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.support.clients import Client, client_of, problem
from tests.support.keys import APPLICATIONS, BARE, again, application, is_first, post, sent_in
from tests.support.shops import rows, run, value

ONE_TRANSACTION = """
SELECT count(DISTINCT writer) FROM
    (SELECT xmin::text FROM applications UNION ALL SELECT xmin::text FROM outbox) AS rows (writer)
"""
NO_COMMIT = (
    """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RAISE EXCEPTION ''no commit''; END'
    """,
    """
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON applications
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()
    """,
)

add_application = service.add_application


async def add_and_die(*arguments: Any) -> None:
    """Add an application with its event, then meet a defect."""
    await add_application(*arguments)
    raise RuntimeError


class TestEvent:
    @pytest.mark.parametrize("path", [APPLICATIONS, BARE])
    @pytest.mark.parametrize("description", ["Hello.", 'Ёж 🐙 \\ " \x1b </script> \u2028'])
    async def test_says_exactly_what_the_answer_does(
        self, guest: Client, house_database: Database, path: str, description: str
    ) -> None:
        body, headers = application(description=description), {"X-Request-ID": "of.this-1_test"}
        response = await guest.post(path, json=body, headers=headers)
        (event,) = await rows(house_database, "SELECT * FROM outbox")
        told = {name: event[name] for name in ("topic", "key", "event_type", "request_id")}
        assert told == {
            "topic": "applications",
            "key": str((await response.json())["id"]),
            "event_type": "application.created",
            "request_id": response.headers["X-Request-ID"],
        }
        assert bytes(event["payload"]) == await response.read()
        assert event["request_id"] == "of.this-1_test"
        assert (event["published_at"], event["attempts"]) == (None, 0)

    async def test_has_an_id_and_a_request_of_its_own(
        self, guest: Client, house_database: Database
    ) -> None:
        for _ in range(3):
            await guest.post(APPLICATIONS, json=application())
        for column in ("event_id", "key", "request_id"):
            count = f"SELECT count(DISTINCT {column}) FROM outbox"
            assert await value(house_database, count) == 3

    async def test_is_of_the_first_request_under_a_key(
        self, guest: Client, house_database: Database
    ) -> None:
        first = await post(guest, "a", APPLICATIONS, json=application())
        await again(first, await post(guest, "a", APPLICATIONS, json=application()))
        request_id = await value(house_database, "SELECT request_id FROM outbox")
        assert request_id == first.headers["X-Request-ID"]


class TestTransaction:
    async def test_writes_application_and_event_together(
        self, guest: Client, house_database: Database
    ) -> None:
        assert (await guest.post(APPLICATIONS, json=application())).status == 201
        assert await sent_in(house_database) == (1, 1)
        assert await value(house_database, ONE_TRANSACTION) == 1

    async def test_leaves_neither_when_it_is_rolled_back(self, house_database: Database) -> None:
        async with house_database.writes() as session:
            row = await service.add_application(session, "Anna", "Hello.")
            assert await service.get_application(session, row["id"]) == row
            await session.rollback()
        assert await sent_in(house_database) == (0, 0)
        async with house_database.reading() as session:
            with pytest.raises(ApplicationNotFound):
                await service.get_application(session, row["id"])

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a"}])
    async def test_leaves_neither_after_a_defect(
        self,
        guest: Client,
        house_database: Database,
        monkeypatch: pytest.MonkeyPatch,
        headers: dict[str, str],
    ) -> None:
        monkeypatch.setattr(service, "add_application", add_and_die)
        response = await guest.post(APPLICATIONS, json=application(), headers=headers)
        await problem(response, 500, "internal-error")
        assert await sent_in(house_database) == (0, 0)

    @pytest.mark.concurrent
    async def test_leaves_neither_nor_the_key_when_the_commit_fails(
        self, serve: Serve, busy_settings: Settings, busy_database: Database
    ) -> None:
        for statement in NO_COMMIT:
            await run(busy_database, statement)
        async with client_of(await serve(busy_settings, None)) as guest:
            for _ in range(2):
                refused = await post(guest, "a", APPLICATIONS, json=application())
                await problem(refused, 500, "internal-error")
                assert is_first(refused)
            assert await sent_in(busy_database) == (0, 0)
            await run(busy_database, "DROP TRIGGER refuse ON applications")
            first = await post(guest, "a", APPLICATIONS, json=application())
            assert (first.status, is_first(first)) == (201, True)
            assert await sent_in(busy_database) == (1, 1)
