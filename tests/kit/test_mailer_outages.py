"""The mailer outlasts its server and PostgreSQL: nothing is lost, and nothing is sent twice."""

from collections.abc import Callable

import pytest
from sqlalchemy import RowMapping

from kit.db import Database, database
from kit.engine import create_engine
from kit.mailer import Leave, Mailer
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import running, tell, until
from tests.kit.gates import gated_database
from tests.kit.mailbox import HANG_UP, Mailbox
from tests.kit.mailing import all_marked, end_leases, queue, row, to, told, unmarked
from tests.support.shops import value

pytestmark = pytest.mark.concurrent


@pytest.fixture(autouse=True)
def quick_mailer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let less time pass between two looks at the queue."""
    monkeypatch.setattr("kit.mailer.POLL", 0.05)


async def is_noted(opened: Database) -> bool:
    """Tell whether a mail knows that its server was away."""
    return bool(await value(opened, "SELECT count(last_error) FROM mails"))


class TestServerAway:
    async def test_is_waited_for_and_nothing_is_lost(
        self,
        box: Mailbox,
        busy_settings: Settings,
        busy_database: Database,
        log_lines: Lines,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        rounds, genuine = 0, Mailer.deliver

        async def deliver(self: Mailer) -> bool:
            nonlocal rounds
            rounds += 1
            return await genuine(self)

        async def many() -> bool:
            return rounds >= 3

        monkeypatch.setattr(Mailer, "deliver", deliver)
        box.stop()
        await queue(busy_database, *"abc")
        async with running(Mailer(box.at(busy_settings), busy_database)):
            await until(many)
            assert told(log_lines()) == ["waiting"]
            assert await is_noted(busy_database)
            box.start()
            seconds = await box.has(3, seconds=10)
            await until(lambda: all_marked(busy_database))
        tell("all mails had come after the server was back, in seconds", seconds)
        assert sorted(box.recipients) == [to(name) for name in "abc"]
        assert told(log_lines()) == ["waiting", "back to work"]
        assert log_lines()[0]["cause"].startswith("SMTPConnectError at 127.0.0.1:")
        assert await value(busy_database, "SELECT sum(attempts) FROM mails") == 0
        assert "example.org" not in str(log_lines())

    async def test_for_one_mail_does_not_hold_up_the_others(
        self, box: Mailbox, busy_settings: Settings, busy_database: Database
    ) -> None:
        box.answers[to("a")] = HANG_UP
        await queue(busy_database, *"abc")
        async with running(Mailer(box.at(busy_settings), busy_database)):
            await box.has(2)
            await box.was_asked(to("a"), times=2)
        assert box.recipients == [to("b"), to("c")]
        kept = await row(busy_database, "a")
        assert kept["attempts"] == 0
        assert kept["last_error"].startswith("SMTPServerDisconnected at ")


class Forgetful(list[int]):
    """Remember nothing of what was sent."""

    def append(self, _: int) -> None:
        """Take note of nothing."""


class TestPostgresqlAway:
    @pytest.mark.parametrize(("noted", "copies"), [(list[int], 1), (Forgetful, 2)])
    async def test_after_the_server_said_yes_does_not_send_a_mail_again(
        self,
        box: Mailbox,
        busy_settings: Settings,
        busy_database: Database,
        log_lines: Lines,
        noted: Callable[[], list[int]],
        copies: int,
    ) -> None:
        await queue(busy_database, "a")
        async with gated_database(busy_settings) as (through, gate):
            engine = create_engine(through)
            mailer = Mailer(box.at(busy_settings), database(engine))
            mailer._sent, genuine = noted(), mailer._send

            async def send(mail: RowMapping) -> Leave:
                leave = await genuine(mail)
                if len(box.got) == 1:
                    await gate.shut()
                return leave

            async def waits() -> bool:
                return told(log_lines()) == ["waiting"] or copies > 1

            mailer._send = send
            async with running(mailer):
                await box.has(1)
                await until(waits)
                await end_leases(busy_database)  # it was away for a minute
                await queue(busy_database, "b")
                await gate.open()
                await until(lambda: is_over(busy_database, box, copies))
            await engine.dispose()
        assert sorted(box.recipients) == [to("a")] * copies + [to("b")]
        assert "example.org" not in str(log_lines())
        if copies == 1:
            assert told(log_lines()) == ["waiting", "back to work"]


async def is_over(opened: Database, box: Mailbox, copies: int) -> bool:
    """Tell whether all has come, and is marked by whoever marks at all."""
    return len(box.got) > copies and (copies > 1 or await unmarked(opened) == 0)
