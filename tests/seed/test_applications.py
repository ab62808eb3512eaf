"""Prove that a seeding fills applications, repeats itself, and that a reset leaves no trace."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from kit.settings import Settings
from seed.factories import REFERENCE, Factory
from seed.load import TRACES, seed
from tests.conftest import Fresh
from tests.seed.tools import SMALL, SMALL_OPTIONS, query, run

pytestmark = pytest.mark.concurrent

ROWS = "SELECT id, user_name, description, created_at FROM applications ORDER BY id"
SEND_IN = "INSERT INTO applications (user_name, description) VALUES ('Eve', 'Hello.') RETURNING id"
LEAVE_TRACES = (
    "INSERT INTO outbox (topic, key, event_type, payload) VALUES ('applications', '1', 'x', '{}')",
    """
    INSERT INTO inbox (consumer, event_id, topic, key, event_type)
    VALUES ('shop-api', gen_random_uuid(), 'applications', '1', 'x')
    """,
    """
    INSERT INTO idempotency_keys (operation, user_id, key, fingerprint)
    VALUES ('applications.ApplicationsView', 0, 'a', '')
    """,
    "INSERT INTO mails (name) VALUES ('welcome/1')",
)


async def count(settings: Settings, table: str) -> int:
    """Count the rows of a table."""
    [(number,)] = await query(settings, f"SELECT count(*) FROM {table}")
    return int(number)


class TestApplications:
    @pytest.mark.parametrize("number", [0, 1, 250])
    async def test_are_as_many_as_asked_for(self, empty: Settings, number: int) -> None:
        result = await run(empty, *SMALL_OPTIONS, f"--applications={number}", "--json")
        document = json.loads(result.stdout)
        assert (result.exit_code, document["counts"]["applications"]) == (0, number)
        assert await count(empty, "applications") == number
        assert await count(empty, "outbox") == 0

    async def test_are_told_of_in_plain_lines(self, empty: Settings) -> None:
        result = await run(empty, *SMALL_OPTIONS, "--applications", "7")
        assert re.search(r"^applications +7 rows", result.stdout, re.MULTILINE)

    async def test_are_a_hundred_unless_somebody_says_so(self, empty: Settings) -> None:
        await seed(empty, SMALL)
        found = await query(empty, ROWS)
        assert [row.id for row in found] == list(range(1, 101))
        moments = [row.created_at for row in found]
        assert moments == sorted(moments)
        assert REFERENCE - timedelta(days=90) <= moments[0] < moments[-1] < REFERENCE
        assert all(row.user_name.strip() and row.description.strip() for row in found)
        assert len({row.description for row in found}) > 90

    async def test_are_the_same_with_the_same_number(self, fresh_database: Fresh) -> None:
        one, two = await fresh_database(), await fresh_database()
        await seed(one, replace(SMALL, applications=30))
        await seed(two, replace(SMALL, applications=30, users=20, orders=5))
        assert await query(one, ROWS) == await query(two, ROWS)
        await seed(two, replace(SMALL, applications=30, random_seed=2, reset=True))
        assert await query(one, ROWS) != await query(two, ROWS)

    async def test_are_left_alone_by_a_second_run(self, empty: Settings) -> None:
        await seed(empty, replace(SMALL, applications=3))
        before = await query(empty, ROWS)
        summary = await seed(empty, replace(SMALL, applications=50))
        assert (summary.changed, summary.counts["applications"]) == (False, 0)
        assert await query(empty, ROWS) == before

    async def test_that_were_sent_in_before_stay(self, empty: Settings) -> None:
        [(eve,)] = await query(empty, SEND_IN)
        summary = await seed(empty, SMALL)
        assert (summary.counts["applications"], summary.counts["orders"]) == (0, 30)
        assert [row.id for row in await query(empty, ROWS)] == [eve]

    async def test_leave_room_for_the_next_id(self, empty: Settings) -> None:
        await seed(empty, replace(SMALL, applications=5))
        assert await query(empty, SEND_IN) == [(6,)]


class TestReset:
    async def test_takes_applications_and_all_traces_away(self, empty: Settings) -> None:
        await query(empty, SEND_IN)
        for statement in LEAVE_TRACES:
            await query(empty, statement)
        assert [await count(empty, table) for table in TRACES] == [1] * 4
        await seed(empty, replace(SMALL, applications=2))
        assert [await count(empty, table) for table in TRACES] == [1] * 4
        await seed(empty, replace(SMALL, applications=2, reset=True))
        assert {"outbox", "inbox", "idempotency_keys", "mails"} == {*TRACES}
        assert [await count(empty, table) for table in TRACES] == [0] * 4
        assert [row.id for row in await query(empty, ROWS)] == [1, 2]


def test_factory_makes_applications_that_fit() -> None:
    one, two = Factory(locale="ru_RU"), Factory(locale="ru_RU")
    made = [one.application() for _ in range(500)]
    assert made == [two.application() for _ in range(500)]
    assert all(0 < len(row["user_name"]) <= 150 for row in made)
    assert all(0 < len(row["description"]) <= 10_000 for row in made)
    assert one.application(user_name="Eve")["user_name"] == "Eve"
