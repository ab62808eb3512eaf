"""The queue of mails: one row for each name, taken in turn, forgotten once it is sent."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import Select

from kit import mails
from kit.db import Database
from kit.log import speaking_for
from kit.mails import Mail, MailRow
from kit.parking import TRIES
from tests.kit.exchange import ChangedMind
from tests.kit.mailing import (
    LEASE,
    claim,
    claimed,
    end_leases,
    make_due,
    queue,
    row,
    to,
    waiting,
)
from tests.shop.races import until_one_waits
from tests.support.shops import run, value

FREE = {"lease_owner": None, "lease_until": None}
COUNT = "SELECT count(*) FROM mails"


class TestEnqueue:
    async def test_makes_one_row_for_each_name(self, house_database: Database) -> None:
        for subject in ("first", "second"):
            async with house_database.writing() as session:
                await mails.enqueue(session, Mail("welcome/1", to("carol"), subject, "A body."))
        await queue(house_database, "welcome/2")
        assert await value(house_database, COUNT) == 2
        kept = await row(house_database, "welcome/1")
        assert (kept["subject"], kept["recipient"]) == ("first", to("carol"))
        assert (kept["attempts"], kept["sent_at"], kept["dead_at"]) == (0, None, None)

    async def test_remembers_the_request_that_began_it(self, house_database: Database) -> None:
        with speaking_for("request-17"):
            await queue(house_database, "welcome/1")
        await queue(house_database, "welcome/2")
        assert (await row(house_database, "welcome/1"))["request_id"] == "request-17"
        assert (await row(house_database, "welcome/2"))["request_id"] is None

    async def test_is_taken_back_with_its_transaction(self, house_database: Database) -> None:
        with suppress(ChangedMind):
            async with house_database.writing() as session:
                await mails.enqueue(
                    session, Mail("welcome/1", to("carol"), "A subject", "A body.")
                )
                raise ChangedMind
        assert await value(house_database, COUNT) == 0

    @pytest.mark.concurrent
    @pytest.mark.parametrize("first", ["commits", "changes its mind"])
    async def test_makes_one_row_though_two_are_at_it(
        self, busy_database: Database, other_database: Database, first: str
    ) -> None:
        with suppress(ChangedMind):
            async with busy_database.writing() as session:
                await mails.enqueue(
                    session, Mail("welcome/1", to("carol"), "A subject", "A body.")
                )
                second = asyncio.create_task(queue(other_database, "welcome/1"))
                await until_one_waits(busy_database)
                if first != "commits":
                    raise ChangedMind
        await second
        kept = await row(busy_database, "welcome/1")
        assert kept["recipient"] == to("carol" if first == "commits" else "welcome/1")


class TestClaim:
    async def test_takes_what_is_due_for_longest(self, house_database: Database) -> None:
        await queue(house_database, "b", "c", "a")
        found = [await claimed(house_database) for _ in range(4)]
        assert found == ["b", "c", "a", None]

    async def test_tells_what_the_mail_says(self, house_database: Database) -> None:
        await queue(house_database, "a")
        mail = await claim(house_database)
        assert mail is not None
        assert (mail["recipient"], mail["subject"], mail["body"]) == (
            to("a"),
            "A subject",
            "A body.",
        )

    async def test_leaves_what_another_one_holds_until_the_lease_ends(
        self, house_database: Database
    ) -> None:
        await queue(house_database, "a")
        assert await claimed(house_database, "dead") == "a"
        assert await claimed(house_database, "heir") is None
        await end_leases(house_database)
        assert await claimed(house_database, "heir") == "a"
        assert (await row(house_database, "a"))["lease_owner"] == "heir"

    @pytest.mark.parametrize(
        "state", ["sent_at = now()", "dead_at = now()", "next_at = now() + interval '1 second'"]
    )
    async def test_leaves_what_is_not_due(self, house_database: Database, state: str) -> None:
        await queue(house_database, "a")
        await run(house_database, f"UPDATE mails SET {state}")
        assert await claimed(house_database) is None


@pytest.mark.concurrent
class TestTwoClaims:
    async def test_take_different_mails_and_do_not_wait(
        self, busy_database: Database, other_database: Database
    ) -> None:
        await queue(busy_database, "a", "b")
        async with busy_database.writing() as session:
            mail = await mails.claim(session, "me", LEASE)
            assert mail is not None
            assert [await claimed(other_database, "you") for _ in range(2)] == ["b", None]
        assert mail["name"] == "a"

    async def test_take_the_same_mail_when_they_do_not_lock_it(
        self,
        busy_database: Database,
        other_database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Select, "with_for_update", lambda self, **_: self)
        await queue(busy_database, "a", "b")
        async with busy_database.writing() as session:
            mail = await mails.claim(session, "me", LEASE)
            assert mail is not None
            second = asyncio.create_task(claimed(other_database, "you"))
            await until_one_waits(busy_database)
        assert (mail["name"], await second) == ("a", "a")


class TestFate:
    async def test_of_what_was_sent_is_to_be_forgotten(self, house_database: Database) -> None:
        await queue(house_database, "a")
        mail = await claim(house_database)
        assert mail is not None
        async with house_database.writing() as session:
            await mails.finish(session, mail["id"])
        kept = await row(house_database, "a")
        assert kept["sent_at"] is not None
        assert {kept[name] for name in ("recipient", "subject", "body")} == {None}
        assert FREE.items() <= kept.items()
        await queue(house_database, "a")  # the name is known for ever
        assert (await claimed(house_database), await waiting(house_database)) == (None, 0)

    async def test_of_what_is_put_off_is_to_wait(self, house_database: Database) -> None:
        await queue(house_database, "a")
        mail = await claim(house_database)
        assert mail is not None
        async with house_database.writing() as session:
            await mails.put_off(session, mail["id"], "me", LEASE, "busy")
        kept = await row(house_database, "a")
        assert FREE.items() <= kept.items()
        assert (kept["attempts"], kept["last_error"]) == (0, "busy")
        assert (await claimed(house_database), await waiting(house_database)) == (None, 1)
        await make_due(house_database)
        assert await claimed(house_database) == "a"

    async def test_of_what_fails_ten_times_is_to_be_parked(self, house_database: Database) -> None:
        await queue(house_database, "a", "b")
        parked = []
        for _ in range(TRIES):
            mail = await claim(house_database)
            assert mail is not None
            assert mail["name"] == "a"
            async with house_database.writing() as session:
                parked.append(await mails.fail(session, mail["id"], "me", "no"))
            await run(house_database, "UPDATE mails SET next_at = '2026-01-01' WHERE name = 'a'")
        assert parked == [False] * (TRIES - 1) + [True]
        kept = await row(house_database, "a")
        assert (kept["attempts"], kept["last_error"]) == (TRIES, "no")
        assert (await claimed(house_database), await waiting(house_database)) == ("b", 1)
        async with house_database.writing() as session:
            assert await MailRow.retry(session, None) == [kept["id"]]
        await make_due(house_database)  # the clock of a transaction stands still
        assert (await claimed(house_database), await waiting(house_database)) == ("a", 2)
