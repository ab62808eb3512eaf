"""Prove that a seeding fills what is empty, leaves the rest, repeats itself and hangs together."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from kit.passwords import check_password
from kit.settings import Settings
from seed.load import TABLES, seed
from seed.plan import PASSWORD, Plan, PlanError, SeedError, Step
from tests.seed.conftest import Fresh
from tests.seed.tools import SMALL, query
from tests.support.settings import in_production

pytestmark = pytest.mark.concurrent

INSERT_USER = """
    INSERT INTO users (username, email, password_hash, first_name, second_name)
    VALUES (:username, :email, '', 'A', 'B') RETURNING id
"""


async def everything(settings: Settings) -> dict[str, list[str]]:
    """Read all rows as text, without the salted hash."""
    rows = "SELECT (to_jsonb(t) - 'password_hash')::text AS row FROM {} t ORDER BY 1"
    return {
        table: [row.row for row in await query(settings, rows.format(table))] for table in TABLES
    }


class TestSeed:
    async def test_fills_all_tables_and_reports_each(self, empty: Settings) -> None:
        steps: list[Step] = []
        summary = await seed(empty, SMALL, steps.append)
        assert summary.changed
        found = {table: len(rows) for table, rows in (await everything(empty)).items()}
        assert found == summary.counts
        assert {name: found[name] for name in ("users", "shops", "books", "offers", "orders")} == {
            "users": 12,
            "shops": 3,
            "books": 20,
            "offers": 40,
            "orders": 30,
        }
        done = {step.table: step.done for step in steps if step.seconds is not None}
        assert done == {table: count for table, count in found.items() if table != "cart_items"}

    async def test_second_run_changes_nothing(self, empty: Settings) -> None:
        await seed(empty, SMALL)
        before = await everything(empty)
        summary = await seed(empty, Plan(random_seed=2))
        assert not summary.changed
        assert not any(summary.counts.values())
        assert await everything(empty) == before

    async def test_same_seed_gives_same_data(self, fresh_database: Fresh) -> None:
        one, two = await fresh_database(), await fresh_database()
        await seed(one, SMALL)
        await seed(two, SMALL)
        assert await everything(one) == await everything(two)
        await seed(two, replace(SMALL, reset=True, random_seed=2))
        assert (await everything(one))["books"] != (await everything(two))["books"]

    async def test_demo_and_admin_can_sign_in(self, empty: Settings) -> None:
        summary = await seed(empty, replace(SMALL, users=0))
        rows = await query(empty, "SELECT id, username, is_staff, password_hash FROM users")
        assert [row[:3] for row in rows] == [(1, "demo", False), (2, "admin", True)]
        assert all(check_password(PASSWORD, row.password_hash) for row in rows)
        assert [login.username for login in summary.logins] == ["demo", "admin"]

    async def test_lists_fifty_logins(self, empty: Settings) -> None:
        summary = await seed(empty, replace(SMALL, users=53))
        assert (len(summary.logins), summary.more_logins) == (50, 3)

    @pytest.mark.parametrize("reason", [RuntimeError, KeyboardInterrupt])
    async def test_everything_or_nothing(
        self, empty: Settings, reason: type[BaseException]
    ) -> None:
        def interrupt(step: Step) -> None:
            if step.table == "order_items":
                raise reason

        with pytest.raises(reason):
            await seed(empty, SMALL, interrupt)
        assert not any((await everything(empty)).values())

    async def test_refuses_a_plan_that_cannot_be(self, empty: Settings) -> None:
        with pytest.raises(PlanError, match="room for 60 offers, not 61"):
            await seed(empty, replace(SMALL, offers=61))
        with pytest.raises(PlanError, match="something to buy"):
            await seed(empty, replace(SMALL, offers=0))

    async def test_lets_who_registers_meanwhile_wait_for_a_free_id(self, empty: Settings) -> None:
        registering: list[asyncio.Task[list[Any]]] = []

        def register(_step: Step) -> None:
            if not registering:
                new = query(empty, INSERT_USER, username="eve", email="eve@example.com")
                registering.append(asyncio.create_task(new))

        await seed(empty, replace(SMALL, users=20_000), register)
        [(eve,)] = await registering[0]
        assert eve == 20_001


class TestPeopleWhoWereHereBefore:
    async def test_stay_and_buy(self, empty: Settings) -> None:
        [(eve,)] = await query(empty, INSERT_USER, username="eve", email="eve@example.com")
        summary = await seed(empty, SMALL)
        assert [login.username for login in summary.logins] == ["demo", "admin"]
        assert summary.counts["users"] == 2
        buyers = await query(empty, "SELECT DISTINCT user_id FROM orders")
        assert (eve,) in buyers

    async def test_are_not_made_staff_by_their_name(self, empty: Settings) -> None:
        await query(empty, INSERT_USER, username="Admin", email="someone@example.com")
        await seed(empty, SMALL)
        found = await query(empty, "SELECT username, is_staff FROM users ORDER BY id")
        assert found == [("Admin", False), ("demo", False)]

    async def test_may_have_the_address_of_demo(self, empty: Settings) -> None:
        await query(empty, INSERT_USER, username="eve", email="Demo@example.com")
        await seed(empty, SMALL)
        found = await query(empty, "SELECT username FROM users ORDER BY id")
        assert found == [("eve",), ("demo",), ("admin",)]


class TestReset:
    async def test_starts_over_with_the_first_ids(self, empty: Settings) -> None:
        await seed(empty, SMALL)
        before = await everything(empty)
        await query(empty, INSERT_USER, username="eve", email="eve@example.com")
        summary = await seed(empty, replace(SMALL, reset=True))
        assert summary.changed
        assert await everything(empty) == before

    async def test_is_refused_in_production(self, empty: Settings) -> None:
        await seed(empty, SMALL)
        before = await everything(empty)
        with pytest.raises(SeedError, match="refused"):
            await seed(in_production(empty), replace(SMALL, reset=True))
        assert await everything(empty) == before


class TestData:
    async def test_hangs_together(self, empty: Settings) -> None:
        await seed(empty, replace(SMALL, orders=300))
        lines = """
            SELECT count(*) AS lines,
                   count(*) FILTER (WHERE i.title = b.title AND i.price = f.price) AS right_ones
            FROM order_items i
            JOIN offers f ON f.id = i.offer_id JOIN books b ON b.id = f.book_id
        """
        [(count, right)] = await query(empty, lines)
        assert count == right > 300
        sizes = (
            "SELECT count(i) FROM orders o LEFT JOIN order_items i ON order_id = id GROUP BY id"
        )
        assert {size for (size,) in await query(empty, sizes)} == {1, 2, 3, 4}
        late = "SELECT array_agg(id ORDER BY created_at) = array_agg(id ORDER BY id) FROM orders"
        assert await query(empty, late) == [(True,)]

    async def test_has_all_statuses_and_orders_of_demo(self, empty: Settings) -> None:
        await seed(empty, replace(SMALL, orders=1000))
        found = await query(empty, "SELECT status, count(*) FROM orders GROUP BY 1")
        share = {status: count // 10 for status, count in found}
        assert 54 <= share["paid"] <= 66
        assert 20 <= share["awaiting_payment"] <= 30
        assert 10 <= share["cancelled"] <= 20
        [(orders,)] = await query(empty, "SELECT count(*) FROM orders WHERE user_id = 1")
        assert orders >= 20

    async def test_leaves_room_for_the_next_ids(self, empty: Settings) -> None:
        await seed(empty, SMALL)
        new = await query(empty, INSERT_USER, username="eve", email="eve@example.com")
        assert new == [(13,)]
