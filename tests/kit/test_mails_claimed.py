"""Claims of mails: one at a time whatever the planner believes, and nobody settles another's."""

from datetime import timedelta

from sqlalchemy import text

from kit import mails
from kit.db import Database
from tests.kit.mailing import claim, claimed, end_leases, queue, row


class TestClaim:
    async def test_takes_one_mail_whatever_the_planner_believes(
        self, busy_database: Database
    ) -> None:
        await queue(busy_database, "a")
        async with busy_database.reading() as session:
            await session.execute(text("ANALYZE mails"))  # it will think of one row
        await queue(busy_database, "b", "c", "d")
        found = [await claimed(busy_database) for _ in range(5)]
        assert (sorted(map(str, found[:4])), found[4]) == (["a", "b", "c", "d"], None)


class TestLateWorker:
    async def test_cannot_settle_what_another_one_holds(self, busy_database: Database) -> None:
        await queue(busy_database, "a")
        mail = await claim(busy_database, "late")
        assert mail is not None
        await end_leases(busy_database)
        assert await claimed(busy_database, "other") == "a"
        async with busy_database.writing() as session:
            await mails.put_off(session, mail["id"], "late", timedelta(), "why")
            assert not await mails.fail(session, mail["id"], "late", "why")
        kept = await row(busy_database, "a")
        assert (kept["lease_owner"], kept["attempts"]) == ("other", 0)

    async def test_cannot_take_back_what_was_sent(self, busy_database: Database) -> None:
        await queue(busy_database, "a")
        mail = await claim(busy_database)
        assert mail is not None
        async with busy_database.writing() as session:
            await mails.finish(session, mail["id"])
            await mails.put_off(session, mail["id"], "me", timedelta(), "why")
            await mails.fail(session, mail["id"], "me", "why")
        kept = await row(busy_database, "a")
        assert (kept["attempts"], kept["last_error"], kept["recipient"]) == (0, None, None)
