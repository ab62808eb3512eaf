"""What a server does not take is parked for a person, or waits; the other mails go on."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from kit.db import Database
from kit.mailer import Mailer
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import running, until
from tests.kit.mailbox import Mailbox
from tests.kit.mailing import all_marked, queue, row, to, unmarked
from tests.support.shops import value

pytestmark = [pytest.mark.concurrent, pytest.mark.usefixtures("quick_mailer")]

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def shop_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, busy_settings: Settings) -> Run:
    """Run a command, in a thread since it has an event loop of its own, in this database."""
    monkeypatch.chdir(tmp_path)

    async def invoke(*arguments: str) -> Result:
        env = {"DATABASE_URL": busy_settings.database_url}
        return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=env)

    return invoke


@pytest.mark.usefixtures("quick_tries")
class TestRefusedMail:
    async def test_is_parked_after_ten_tries_and_can_be_tried_again(
        self,
        box: Mailbox,
        mailer: Mailer,
        busy_database: Database,
        shop_api: Run,
        log_lines: Lines,
    ) -> None:
        box.answers[to("a")] = "550 5.1.1 nobody of that name: a@example.org"
        await queue(busy_database, "a", "b")
        parked = "SELECT count(*) FROM mails WHERE dead_at IS NOT NULL"
        async with running(mailer):
            await until(lambda: value(busy_database, parked))
            assert box.asked[to("a")] == 10
            assert box.recipients == [to("b")]
            shown = await shop_api("mails", "list")
            (line,) = [line for line in log_lines() if line["event"] == "mail parked"]
            box.answers.clear()
            mail_id = str((await row(busy_database, "a"))["id"])
            again = await shop_api("mails", "retry", mail_id)
            await box.has(2)
            await until(lambda: all_marked(busy_database))
        assert (line["level"], line["mail"]) == ("error", "a")
        assert shown.output.splitlines() == [
            f"{mail_id:>8}  a  10 tries  SMTPRecipientRefused 550",
            "1 parked, 0 waiting.",
        ]
        assert (again.exit_code, again.output) == (0, "1 will be tried again.\n")
        assert box.recipients == [to("b"), to("a")]
        assert "@" not in str(log_lines())

    async def test_is_listed_only_when_it_is_parked(self, shop_api: Run) -> None:
        shown = await shop_api("mails", "list")
        assert (shown.exit_code, shown.output) == (0, "0 parked, 0 waiting.\n")
        refused = await shop_api("mails", "retry", "7")
        assert (refused.exit_code, refused.stderr) == (1, "Error: Not parked: 7.\n")


class TestDeferredMail:
    async def test_waits_for_a_minute_and_lets_the_others_go_on(
        self, box: Mailbox, mailer: Mailer, busy_database: Database
    ) -> None:
        box.answers[to("a")] = "451 4.7.1 greylisted, a@example.org"
        await queue(busy_database, "a", "b", "c")
        async with running(mailer):
            await until(lambda: is_left(busy_database, 1))
        assert (box.recipients, box.asked[to("a")]) == ([to("b"), to("c")], 1)
        kept = await row(busy_database, "a")
        assert (kept["attempts"], kept["last_error"]) == (0, "SMTPRecipientRefused 451")
        assert kept["lease_owner"] is None
        wait = "SELECT extract(epoch FROM next_at - now())::float FROM mails WHERE name = 'a'"
        assert 30 < await value(busy_database, wait) <= 60


async def is_left(database: Database, count: int) -> bool:
    """Tell whether so many mails are not marked as sent."""
    return await unmarked(database) == count
