"""The mailer: each mail once, whoever shares the work, and forgotten once it is sent."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit import mails
from kit.db import Database
from kit.mailer import Leave, Mailer
from kit.mails import COLUMNS, MailRow
from kit.settings import Settings
from tests.kit.conftest import Lines
from tests.kit.events import PATIENCE, running, until
from tests.kit.mailbox import Mailbox
from tests.kit.mailing import all_marked, queue, row, to

pytestmark = [pytest.mark.concurrent, pytest.mark.usefixtures("quick_mailer")]

GONE = dict.fromkeys(("recipient", "subject", "body", "lease_owner", "lease_until"))
Claim = Callable[[AsyncSession, str, timedelta], Awaitable[RowMapping | None]]


class TestMail:
    async def test_is_sent_once_and_forgotten(
        self, box: Mailbox, mailer: Mailer, busy_database: Database, log_text: Callable[[], str]
    ) -> None:
        async with running(mailer):
            for name in "abc":
                await queue(busy_database, name)
            await until(lambda: all_marked(busy_database))
            await queue(busy_database, "a", "b", "d")
            await until(lambda: all_marked(busy_database))
        assert box.recipients == [to(name) for name in "abcd"]
        kept = await row(busy_database, "a")
        assert GONE.items() <= kept.items()
        assert (kept["attempts"], kept["last_error"]) == (0, None)
        assert not re.search(r"\w@", log_text())  # an address; "@timestamp" is none

    async def test_without_a_server_is_a_line_in_the_log(
        self, busy_settings: Settings, busy_database: Database, log_lines: Lines
    ) -> None:
        await queue(busy_database, "a", "b")
        async with running(Mailer(busy_settings, busy_database)):
            await until(lambda: all_marked(busy_database))
        lines = [line for line in log_lines() if line["event"] == "mail"]
        assert [(line["mail"], line["subject"]) for line in lines] == [
            ("a", "A subject"),
            ("b", "A subject"),
        ]
        assert "@" not in str(log_lines())
        assert GONE.items() <= (await row(busy_database, "a")).items()


async def claim_without_a_lock(
    session: AsyncSession, owner: str, lease: timedelta
) -> RowMapping | None:
    """Take a mail that is there, whoever else is looking at it."""
    due = select(*COLUMNS).where(*mails.WAITS, MailRow.lease_until.is_(None)).limit(1)
    return (await session.execute(due)).mappings().one_or_none()


class TestTwoMailers:
    async def test_share_the_work(
        self,
        box: Mailbox,
        mailer: Mailer,
        busy_settings: Settings,
        busy_database: Database,
        other_database: Database,
    ) -> None:
        names = [f"mail-{number}" for number in range(40)]
        await queue(busy_database, *names)
        box.delays["DATA"] = 0.02  # else one could be done before the other has begun
        shares = [0, 0]

        def counting(which: int, one: Mailer) -> Mailer:
            genuine = one._send

            async def send(mail: RowMapping) -> Leave:
                shares[which] += 1
                return await genuine(mail)

            one._send = send
            return one

        other = Mailer(box.at(busy_settings), other_database)
        async with running(counting(0, mailer), counting(1, other)):
            await until(lambda: all_marked(busy_database))
        assert sorted(box.recipients) == sorted(map(to, names))
        assert min(shares) > 0
        assert sum(shares) == 40

    @pytest.mark.parametrize(("claim", "copies"), [(mails.claim, 1), (claim_without_a_lock, 2)])
    async def test_send_a_mail_twice_when_they_do_not_lock_it(
        self,
        box: Mailbox,
        mailer: Mailer,
        busy_settings: Settings,
        busy_database: Database,
        other_database: Database,
        monkeypatch: pytest.MonkeyPatch,
        claim: Claim,
        copies: int,
    ) -> None:
        await queue(busy_database, "a")
        meeting = asyncio.Barrier(2)

        async def claim_together(
            session: AsyncSession, owner: str, lease: timedelta
        ) -> RowMapping | None:
            mail = await claim(session, owner, lease)
            await asyncio.wait_for(meeting.wait(), PATIENCE)  # before either commits
            return mail

        monkeypatch.setattr("kit.mails.claim", claim_together)
        other = Mailer(box.at(busy_settings), other_database)
        await asyncio.gather(mailer.deliver(), other.deliver())
        assert box.recipients == [to("a")] * copies
