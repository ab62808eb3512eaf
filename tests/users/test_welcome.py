"""Whoever registers is welcomed by one mail, whatever fails or comes twice on the way."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit import conftest as conditions
from tests.kit.conftest import Lines
from tests.kit.events import only_real, own_name, publishing, tell, until
from tests.kit.hearing import headers_of
from tests.kit.mailbox import Mailbox, mailbox
from tests.kit.mailing import all_marked
from tests.support.clients import Client, client_of, sign_in
from tests.support.shops import rows, value
from tests.users.forms import ME, sign_up_form
from tests.users.welcoming import all_handled, handled, recorded, sign_up, take_own_ids, worker

pytestmark = [
    *(pytest.mark.kafka, pytest.mark.concurrent),
    pytest.mark.usefixtures("quick_groups", "own_group", "own_ids"),
]

log_text, log_lines = conditions.log_text, conditions.log_lines
quick_groups = conditions.quick_groups

MAILS = "SELECT count(*) FROM mails"
SOON = 30.0  # seconds


@pytest.fixture
def own_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers of this test be a group of their own."""
    monkeypatch.setattr("kit.worker.SERVICE", own_name())


@pytest_asyncio.fixture
async def own_ids(busy_database: Database) -> None:
    """Give out ids that no other test has."""
    await take_own_ids(busy_database)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Run a mail server."""
    with mailbox() as running:
        yield running


@pytest_asyncio.fixture
async def door(
    serve: Serve, busy_settings: Settings, busy_database: Database
) -> AsyncIterator[Client]:
    """Visit the house without signing in."""
    client = client_of(await serve(busy_settings, busy_database))
    yield client
    await client.close()


class TestWelcome:
    async def test_comes_by_mail_once(
        self, door: Client, box: Mailbox, busy_settings: Settings, busy_database: Database
    ) -> None:
        carol = await sign_up(door, name := own_name())
        async with worker(box.at(busy_settings)):
            seconds = await box.has(1, SOON)
            await until(lambda: all_marked(busy_database))
            await all_handled(busy_database)
        tell("a welcome came after seconds", seconds)
        (mail,) = box.got
        assert mail.recipients == [carol["email"]]
        assert mail.message["Subject"] == "Welcome"
        assert mail.message["Message-ID"] == f"<welcome.{carol['id']}@example.com>"
        assert mail.message.get_content().startswith(f"Hello {carol['username']},")
        (kept,) = await rows(busy_database, "SELECT * FROM mails")
        assert (kept["name"], kept["request_id"]) == (f"welcome/{carol['id']}", name)
        assert (kept["recipient"], kept["subject"], kept["body"]) == (None, None, None)

    async def test_speaks_in_the_log_for_the_request_that_began_it(
        self,
        door: Client,
        busy_settings: Settings,
        busy_database: Database,
        log_lines: Lines,
    ) -> None:
        async def is_told() -> bool:
            return any(line["event"] == "mail" for line in log_lines())

        carol = await sign_up(door, name := own_name())
        async with worker(busy_settings):
            await until(is_told, SOON)
            await until(lambda: all_marked(busy_database))
        (line,) = [line for line in log_lines() if line["event"] == "mail"]
        assert (line["mail"], line["request_id"]) == (f"welcome/{carol['id']}", name)
        assert "example.org" not in str(log_lines())

    async def test_comes_once_though_the_event_comes_again(
        self, door: Client, box: Mailbox, busy_settings: Settings, busy_database: Database
    ) -> None:
        await sign_up(door)
        (event,) = await recorded(busy_database)
        async with worker(box.at(busy_settings)), publishing(busy_settings.kafka_servers) as out:
            await box.has(1, SOON)
            for event_id in (event["event_id"], event["event_id"], again := uuid.uuid4()):
                headers = headers_of(event_id, event_type="user.registered")
                key = event["key"].encode()
                await out.send_and_wait("users", event["payload"], key=key, headers=headers)
            await handled(busy_database, again)
            await sign_up(door, username="dave", email="dave@example.org")
            await box.has(2, SOON)
            await until(lambda: all_marked(busy_database))
        assert box.recipients == [sign_up_form()["email"], "dave@example.org"]
        assert await value(busy_database, MAILS) == 2

    async def test_comes_though_the_mail_server_was_away(
        self, door: Client, box: Mailbox, busy_settings: Settings, busy_database: Database
    ) -> None:
        box.stop()
        carol = await sign_up(door)
        failed = "SELECT count(last_error) FROM mails"
        async with worker(box.at(busy_settings)):
            await until(lambda: value(busy_database, failed), SOON)
            box.start()
            seconds = await box.has(1)
            await until(lambda: all_marked(busy_database))
        tell("a welcome came after the mail server was back, in seconds", seconds)
        assert box.recipients == [carol["email"]]
        assert await value(busy_database, "SELECT sum(attempts) FROM mails") == 0

    async def test_does_not_come_to_who_has_left_before(
        self, door: Client, box: Mailbox, busy_settings: Settings, busy_database: Database
    ) -> None:
        form = sign_up_form()
        await sign_up(door)
        assert (await sign_in(door, form["username"], form["password"])).status == 200
        assert (await door.delete(ME)).status == 204
        async with worker(box.at(busy_settings)):
            await all_handled(busy_database)
        assert (await value(busy_database, MAILS), box.got) == (0, [])


class TestTwoWorkers:
    @pytest.mark.parametrize("groups", [pytest.param(1, marks=only_real), 2])
    async def test_send_one_mail_to_each(
        self,
        door: Client,
        box: Mailbox,
        busy_settings: Settings,
        busy_database: Database,
        monkeypatch: pytest.MonkeyPatch,
        groups: int,
    ) -> None:
        settings = box.at(busy_settings)
        people = [f"user{number}" for number in range(10)]
        async with worker(settings):
            if groups > 1:  # then both hear of everybody
                monkeypatch.setattr("kit.worker.SERVICE", own_name())
            async with worker(settings):
                for name in people:
                    await sign_up(door, username=name, email=f"{name}@example.org")
                await box.has(len(people), SOON)
                await all_handled(busy_database)
                await until(lambda: all_marked(busy_database))
        assert sorted(box.recipients) == [f"{name}@example.org" for name in people]
        assert await value(busy_database, MAILS) == len(people)
