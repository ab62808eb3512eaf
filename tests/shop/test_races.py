"""Promise 1: no oversell, no lost stock, all or nothing, whoever runs at the same time.

Each race is also run with its guard sawn off: the same audit must then report the loss.
RACE_ROUNDS sets how often each race is run.
"""

import random
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from kit.db import Database
from shop.repository import orders as repository
from tests.shop import naive
from tests.shop.races import PLACED, ROUNDS, Race
from tests.support.clients import add_user
from tests.support.shops import run

pytestmark = pytest.mark.concurrent

Story = Callable[[Database, int, random.Random], Awaitable[list[str]]]

CHECK_VIOLATION = "23514"
DEADLOCK = "40P01"
UNCHECKED = "ALTER TABLE offers DROP CONSTRAINT ck_offers_available"


@pytest_asyncio.fixture
async def user_id(busy_database: Database) -> int:
    return await add_user(busy_database, "buyer")


async def one_book(database: Database, user_id: int, _: random.Random) -> list[str]:
    """200 buyers want one book of which there are 50 copies."""
    race = await Race.over(database, user_id, offers=1, copies=50)
    (offer_id,) = race.offer_ids
    await race.run([race.buyer((offer_id, 1))] * 200)
    return await race.losses({offer_id: 200})


async def three_lines(database: Database, user_id: int, chance: random.Random) -> list[str]:
    """300 orders of three lines over ten books, each in an order of its own."""
    race = await Race.over(database, user_id, offers=10, copies=60)
    baskets = [chance.sample(race.offer_ids, 3) for _ in range(300)]
    await race.run([race.buyer(*[(offer_id, 1) for offer_id in basket]) for basket in baskets])
    return await race.losses()


async def same_offer_twice(database: Database, user_id: int, _: random.Random) -> list[str]:
    """40 orders name the same offer twice, three copies in all; 50 copies serve 16 of them."""
    race = await Race.over(database, user_id, offers=1, copies=50)
    (offer_id,) = race.offer_ids
    await race.run([race.buyer((offer_id, 1), (offer_id, 2))] * 40)
    served = [] if race.outcomes[PLACED] == 16 else [f"served: {race.outcomes}"]
    return served + await race.losses({offer_id: 48})


async def mixed(database: Database, user_id: int, chance: random.Random) -> list[str]:
    """Buyers, buyers who cancel, and deliveries; then a rush in which the last copy is sold."""
    race = await Race.over(database, user_id, offers=3, copies=10)
    attempts = [race.restocker(offer_id, 5) for offer_id in race.offer_ids * 3]
    for _ in range(100):
        basket = [(offer_id, chance.randint(1, 2)) for offer_id in _some(race, chance)]
        attempts.append(race.buyer(*basket, cancels=chance.random() < 0.5))
    chance.shuffle(attempts)
    await race.run(attempts)
    found = await race.losses()
    await race.run([race.buyer((offer_id, 1)) for offer_id in race.offer_ids * 25])
    return found + await race.losses(dict.fromkeys(race.offer_ids, 1000))


def _some(race: Race, chance: random.Random) -> list[int]:
    return chance.sample(race.offer_ids, chance.randint(1, 3))


async def one_line_short(database: Database, user_id: int, chance: random.Random) -> list[str]:
    """40 orders of five lines of which one can only be served seven times."""
    race = await Race.over(database, user_id, offers=5, copies=100)
    short = chance.choice(race.offer_ids)
    await run(database, "UPDATE offers SET available = 7 WHERE id = :id", id=short)
    race.start[short] = 7
    baskets = [chance.sample(race.offer_ids, 5) for _ in range(40)]
    await race.run([race.buyer(*[(offer_id, 1) for offer_id in basket]) for basket in baskets])
    return await race.losses(dict.fromkeys(race.offer_ids, 7))


STORIES = [one_book, three_lines, same_offer_twice, mixed, one_line_short]


class TestRaces:
    @pytest.mark.parametrize("story", STORIES)
    @pytest.mark.timeout(60 + 20 * ROUNDS)
    async def test_lose_nothing(self, busy_database: Database, user_id: int, story: Story) -> None:
        for seed in range(ROUNDS):
            found = await story(busy_database, user_id, random.Random(seed))
            assert found == [], f"round {seed}"


class TestGuardsSawnOff:
    @pytest.mark.parametrize("story", STORIES[1:])
    async def test_an_absolute_write_loses_stock_in_every_other_race(
        self,
        busy_database: Database,
        user_id: int,
        story: Story,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(repository, "take_stock", naive.absolute_write)
        await run(busy_database, UNCHECKED)
        found = await story(busy_database, user_id, random.Random(0))
        assert any("differ from the supply" in loss for loss in found), found

    @pytest.mark.parametrize("take_stock", [naive.absolute_write, naive.relative_write])
    async def test_a_write_after_a_check_oversells(
        self,
        busy_database: Database,
        user_id: int,
        take_stock: Callable[..., object],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(repository, "take_stock", take_stock)
        await run(busy_database, UNCHECKED)
        found = await one_book(busy_database, user_id, random.Random(0))
        assert any("oversold" in loss for loss in found), found

    async def test_the_constraint_is_the_last_guard(
        self, busy_database: Database, user_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(repository, "take_stock", naive.relative_write)
        found = await one_book(busy_database, user_id, random.Random(0))
        assert [loss.split(" x ")[1] for loss in found] == [CHECK_VIOLATION]

    async def test_unsorted_locks_wait_for_each_other_in_a_circle(
        self, busy_database: Database, user_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(repository, "take_stock", naive.unsorted_locks)
        found = await three_lines(busy_database, user_id, random.Random(0))
        assert [loss.split(" x ")[1] for loss in found] == [DEADLOCK]
