"""Prove that a seeding makes friends, each pair once, and that a reset leaves no trace of them."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from redis import asyncio as aioredis

from kit.cache import Cache, Entry
from kit.settings import Settings
from seed.factories import REFERENCE
from seed.friends import _pair
from seed.load import seed
from seed.plan import PlanError
from tests.conftest import Fresh
from tests.seed.tools import SMALL, SMALL_OPTIONS, query, run

pytestmark = pytest.mark.concurrent

ROWS = "SELECT id, initiator_id, target_id, tag, created_at FROM friendships ORDER BY id"
BEFRIEND = "INSERT INTO friendships (initiator_id, target_id) VALUES (1, 2) RETURNING id"
WELCOME = "INSERT INTO mails (name, recipient) VALUES ('welcome/1', 'demo@example.com')"
PAIRS = 66  # of twelve people
FEW = replace(SMALL, shops=0, books=0, offers=0, orders=0, applications=0)


async def friends(settings: Settings) -> list[Any]:
    """Return all friendships by id."""
    return await query(settings, ROWS)


class TestFriendships:
    @pytest.mark.parametrize(
        ("users", "asked", "made"),
        [(0, None, 1), (20, None, 100), (20, 190, 190), (12, 0, 0)],
    )
    async def test_are_as_many_as_asked_for_or_as_there_can_be(
        self, empty: Settings, users: int, asked: int | None, made: int
    ) -> None:
        summary = await seed(empty, replace(FEW, users=users, friendships=asked))
        assert summary.counts["friendships"] == made
        assert len(await friends(empty)) == made

    @pytest.mark.parametrize("options", [[], ["--friendships=50"]])
    async def test_are_told_of(self, empty: Settings, options: list[str]) -> None:
        result = await run(empty, *SMALL_OPTIONS, *options, "--json")
        made = json.loads(result.stdout)["counts"]["friendships"]
        assert (result.exit_code, made) == (0, 50 if options else PAIRS)

    @pytest.mark.parametrize(("users", "number", "pairs"), [(12, 67, PAIRS), (0, 10_000_000, 1)])
    async def test_that_cannot_be_are_refused_in_one_sentence(
        self, empty: Settings, users: int, number: int, pairs: int
    ) -> None:
        asked = [f"--users={users}", f"--friendships={number}"]
        refused = await run(empty, *asked, "--orders=0")
        assert (refused.exit_code, refused.stdout) == (2, "")
        (sentence,) = refused.stderr.splitlines()
        assert f"make {pairs} pairs, not {number} friendships: " in sentence
        assert sentence.endswith("ask for fewer friendships, or for more users.")
        assert await query(empty, "SELECT 1 FROM users") == []

    async def test_are_refused_when_too_few_people_are_there_already(
        self, empty: Settings
    ) -> None:
        await seed(empty, replace(FEW, users=3))
        await query(empty, "DELETE FROM friendships")
        with pytest.raises(PlanError, match="3 users make 3 pairs, not 4 friendships"):
            await seed(empty, replace(FEW, users=50, friendships=4))
        assert await friends(empty) == []

    async def test_join_each_pair_once_and_nobody_with_himself(self, empty: Settings) -> None:
        await seed(empty, FEW)
        made = await friends(empty)
        pairs = [tuple(sorted((row.initiator_id, row.target_id))) for row in made]
        assert sorted(pairs) == list(combinations(range(1, 13), 2))
        assert {row.initiator_id < row.target_id for row in made} == {True, False}

    async def test_fit_into_the_past_and_into_their_columns(self, empty: Settings) -> None:
        await seed(empty, replace(FEW, users=30))
        made = await friends(empty)
        assert [row.id for row in made] == list(range(1, 101))
        moments = [row.created_at for row in made]
        assert moments == sorted(moments)
        assert REFERENCE - timedelta(days=300) <= moments[0] < moments[-1] < REFERENCE
        assert all(len(row.tag) <= 64 for row in made)
        assert len({row.tag for row in made}) > 1

    async def test_are_the_same_with_the_same_number(self, fresh_database: Fresh) -> None:
        one, two = await fresh_database(), await fresh_database()
        await seed(one, replace(FEW, friendships=30))
        await seed(two, replace(SMALL, friendships=30))
        assert await friends(one) == await friends(two)
        await seed(two, replace(FEW, friendships=30, random_seed=2, reset=True))
        assert await friends(one) != await friends(two)

    async def test_are_left_alone_by_a_second_run(self, empty: Settings) -> None:
        await seed(empty, replace(FEW, friendships=3))
        before = await friends(empty)
        summary = await seed(empty, replace(FEW, friendships=40, random_seed=2))
        assert (summary.changed, summary.counts["friendships"]) == (False, 0)
        assert await friends(empty) == before

    async def test_leave_room_for_the_next_id(self, empty: Settings) -> None:
        await seed(empty, replace(FEW, friendships=0))
        assert await query(empty, BEFRIEND) == [(1,)]
        await seed(empty, replace(FEW, friendships=5, reset=True))
        await query(empty, "DELETE FROM friendships WHERE least(initiator_id, target_id) = 1")
        assert await query(empty, BEFRIEND) == [(6,)]


class TestReset:
    async def test_forgets_mails_and_cards(self, empty: Settings, redis: aioredis.Redis) -> None:
        cache = Cache(redis)

        async def load() -> Entry:
            return Entry(9, {"id": 1, "username": "eve"})

        await seed(empty, FEW)
        await query(empty, WELCOME)
        await cache.through("user/1", load)
        assert (await cache.look("user/1")).body is not None
        await redis.set("something-else", 1)
        await seed(empty, FEW)  # which changes nothing
        assert (await cache.look("user/1")).body is not None
        assert len(await query(empty, "SELECT 1 FROM mails")) == 1
        await seed(empty, replace(FEW, reset=True))
        assert await redis.keys() == [b"something-else"]
        assert await query(empty, "SELECT 1 FROM mails") == []
        await query(empty, WELCOME)  # its name is free again


def test_pairs_are_counted_without_a_gap() -> None:
    expected = [(larger, smaller) for larger in range(200) for smaller in range(larger)]
    assert [_pair(number) for number in range(len(expected))] == expected
    for people in (10**6, 10**7):
        last = people * (people - 1) // 2 - 1
        assert _pair(last) == (people - 1, people - 2)
        assert _pair(last - people + 2) == (people - 1, 0)
