"""The list of users by how old they are today, by the day in UTC."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.db import Database, database
from kit.engine import create_engine
from kit.settings import Settings
from tests.support.clients import Client, add_user
from tests.support.shops import run
from tests.users.forms import USERS, today, years_ago
from tests.users.test_lists import listed
from users.entities import OLDEST, age_on, latest_birthday
from users.service import profiles

DAY = timedelta(days=1)
MANY = """
INSERT INTO users (username, email, first_name, second_name, password_hash, birthday, deleted_at)
SELECT 'user' || n, 'user' || n || '@example.org', 'First', 'Second', 'x',
    CASE WHEN n % 10 > 0 THEN current_date - n * 7919 % 36500 END,
    CASE WHEN n % 7 = 0 THEN now() END
FROM generate_series(1, :number) AS n
"""

SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Give a way to choose the service's moment."""

    def set_to(moment: datetime) -> None:
        class Stopped(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Stopped":
                return cls.fromtimestamp(moment.timestamp(), tz)

        monkeypatch.setattr("users.service.profiles.datetime", Stopped)
        monkeypatch.setattr("users.schemas.datetime", Stopped)

    return set_to


async def ages(client: Client, **query: object) -> dict[str, int | None]:
    """Return username and age of whom the list shows, but for the one who asks."""
    items = (await listed(client, size=100, **query))["items"]
    return {item["username"]: item["age"] for item in items if item["username"] != "alice"}


async def add_born(database: Database, born: Mapping[str, date | None]) -> None:
    """Add users by username and birthday."""
    for name, birthday in born.items():
        await add_user(database, name, birthday=birthday)


class TestBounds:
    @pytest_asyncio.fixture(autouse=True)
    async def people(self, house_database: Database) -> None:
        """Add people on both sides of two bounds, the oldest and the youngest, and one ageless."""
        born = {
            "turned-31": years_ago(31),
            "31-tomorrow": years_ago(31) + DAY,
            "turned-30": years_ago(30),
            "30-tomorrow": years_ago(30) + DAY,
            "born-today": today(),
            "oldest": years_ago(OLDEST),
            "ageless": None,
        }
        await add_born(house_database, born)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"min_age": 30}, {"turned-30", "31-tomorrow", "turned-31", "oldest"}),
            ({"max_age": 30}, {"born-today", "30-tomorrow", "turned-30", "31-tomorrow"}),
            ({"min_age": 30, "max_age": 30}, {"turned-30", "31-tomorrow"}),
            ({"min_age": 31, "max_age": 31}, {"turned-31"}),
            ({"min_age": 29, "max_age": 29}, {"30-tomorrow"}),
            ({"min_age": 0, "max_age": 0}, {"born-today"}),
            ({"min_age": 150, "max_age": 150}, {"oldest"}),
            ({"min_age": 150}, {"oldest"}),
            ({"max_age": 149, "min_age": 32}, set()),
            ({"min_age": 30, "q": "tomorrow"}, {"31-tomorrow"}),
        ],
    )
    async def test_are_inclusive(
        self, alice: Client, query: dict[str, Any], names: set[str]
    ) -> None:
        assert (await ages(alice, **query)).keys() == names
        assert (await listed(alice, **query))["total"] == len(names)

    async def test_leave_the_ageless_out(self, alice: Client) -> None:
        everybody = await ages(alice)
        assert everybody["ageless"] is None
        for query in ({"min_age": 0}, {"max_age": 150}, {"min_age": 0, "max_age": 150}):
            assert (await ages(alice, **query)).keys() == everybody.keys() - {"ageless"}

    async def test_fit_the_ages_that_are_shown(self, alice: Client) -> None:
        shown = await ages(alice)
        for low, high in ((0, 29), (29, 30), (30, 31), (31, 150), (0, 0), (150, 150)):
            fitting = {
                n: age for n, age in shown.items() if age is not None and low <= age <= high
            }
            assert await ages(alice, min_age=low, max_age=high) == fitting


LEAPLINGS = {"feb28": date(2000, 2, 28), "feb29": date(2000, 2, 29), "mar01": date(2000, 3, 1)}


class TestToday:
    @pytest.mark.parametrize(
        ("moment", "shown"),
        [
            (datetime(2027, 2, 27, 12, tzinfo=UTC), (26, 26, 26)),
            (datetime(2027, 2, 28, 0, 0, tzinfo=UTC), (27, 26, 26)),
            (datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC), (27, 26, 26)),
            (datetime(2027, 3, 1, 0, 0, tzinfo=UTC), (27, 27, 27)),
            (datetime(2028, 2, 28, 12, tzinfo=UTC), (28, 27, 27)),
            (datetime(2028, 2, 29, 0, 0, tzinfo=UTC), (28, 28, 27)),
            (datetime(2028, 3, 1, 0, 0, tzinfo=UTC), (28, 28, 28)),
            (datetime.fromisoformat("2027-03-01T02:30:00+03:00"), (27, 26, 26)),
            (datetime.fromisoformat("2027-02-28T22:30:00-05:00"), (27, 27, 27)),
        ],
    )
    async def test_is_the_day_in_utc(
        self,
        alice: Client,
        house_database: Database,
        set_clock: SetClock,
        moment: datetime,
        shown: tuple[int, ...],
    ) -> None:
        await add_born(house_database, LEAPLINGS)
        set_clock(moment)
        expected = dict(zip(LEAPLINGS, shown, strict=True))
        assert await ages(alice) == expected
        for age in (25, 26, 27, 28, 29):
            of_this_age = {name: n for name, n in expected.items() if n == age}
            assert await ages(alice, min_age=age, max_age=age) == of_this_age
            older = {name: n for name, n in expected.items() if n >= age}
            assert await ages(alice, min_age=age) == older
        ids = {x["username"]: x["id"] for x in (await listed(alice))["items"]}
        for name in LEAPLINGS:
            one = await (await alice.get(f"{USERS}/{ids[name]}")).json()
            assert one["age"] == expected[name]


class TestLatestBirthday:
    def test_agrees_with_the_age_on_every_day_for_every_age(self) -> None:
        day, last = date(2023, 12, 1), date(2029, 2, 1)
        while day < last:
            for age in range(OLDEST + 2):
                latest = latest_birthday(day, age)
                assert age_on(day, latest) == age, (day, age)
                assert age_on(day, latest + DAY) == age - 1, (day, age)
            day += DAY


async def plans(engine: AsyncEngine, **bounds: Any) -> list[str]:
    """Return how PostgreSQL finds the rows of a page, and how it counts them."""
    seen: list[tuple[str, Any]] = []

    def see(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", see)
    async with database(engine).reading() as session:
        page = await profiles.list_users(session, page=1, size=20, **bounds)
    event.remove(engine.sync_engine, "before_cursor_execute", see)
    assert page.items
    async with engine.connect() as connection:
        return [
            "\n".join((await connection.exec_driver_sql(*statement)).scalars())
            for statement in seen
        ]


@pytest.mark.concurrent
class TestIndex:
    async def test_finds_the_few_and_counts_the_many(self, busy_settings: Settings) -> None:
        engine = create_engine(busy_settings)
        opened = database(engine)
        await run(opened, MANY, number=30_000)
        for name in ("old", "older", "oldest"):
            await add_user(opened, name, birthday=years_ago(140))
        await run(opened, "ANALYZE users")
        page_of_few, count_of_few = await plans(engine, min_age=130)
        # one in a hundred fits: on the way along the ids, too, a page is full soon
        page_of_many, count_of_many = await plans(engine, min_age=40, max_age=40)
        await engine.dispose()
        for plan in (page_of_few, count_of_few, count_of_many):
            assert "ix_users_birthday" in plan, plan
        for plan in (page_of_few, count_of_few, page_of_many, count_of_many):
            assert "Seq Scan" not in plan, plan
