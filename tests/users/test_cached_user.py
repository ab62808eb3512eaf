"""The cached card of a user: never older than what was answered, gone with the user."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from redis import asyncio as aioredis

from kit.cache import Cache, Change
from tests.kit.events import tell
from tests.support.clients import API, HASH, add_user, problem
from tests.users.cards import first_name, gather_people, rename, statements
from tests.users.conftest import House
from tests.users.forms import ME, PUBLIC, USERS, years_ago
from users.entities import cache_name

pytestmark = pytest.mark.concurrent

PAIRS = 200


async def stale_pairs(house: House, pairs: int) -> int:
    """Change on one worker, then read on the other; return how many cards were older.

    Both workers are asked during the change, too, so that there are misses and late fills.
    """
    people = await gather_people(house)
    writers, stale = [people.writer, await house.enter("alice", 1)], 0
    for number in range(pairs):
        during = (first_name(reader, people.address) for reader in people.readers)
        await asyncio.gather(rename(writers[number % 2], f"name {number}"), *during)
        shown = await first_name(people.readers[1 - number % 2], people.address)
        stale += shown != f"name {number}"
    return stale


class TestReadAfterAChange:
    async def test_is_never_older_on_the_other_worker(self, house: House) -> None:
        stale = await stale_pairs(house, PAIRS)
        tell(f"stale reads of {PAIRS} pairs", stale)
        assert stale == 0

    async def test_shows_the_loss_when_the_cache_hears_of_no_change(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @asynccontextmanager
        async def silently(*_: Any) -> AsyncIterator[Change]:
            yield Change()

        monkeypatch.setattr(Cache, "changing", silently)
        assert await stale_pairs(house, 20) > 0


class TestDeletedUser:
    async def test_is_gone_on_both_workers_at_once_and_comes_back(self, house: House) -> None:
        people = await gather_people(house)
        await add_user(house.database, "sam", is_staff=True)
        staff = await house.enter("sam", 1)
        for _ in range(5):
            assert await people.read() == ["Alice", "Alice"]
            gone = await staff.delete(f"{API}/admin/users/{people.user_id}")
            assert gone.status == 204
            for reader in people.readers:
                await problem(await reader.get(people.address), 404, "user-not-found")
            back = await staff.post(f"{API}/admin/users/{people.user_id}/restore")
            assert back.status == 200
        assert await people.read() == ["Alice", "Alice"]

    async def test_is_gone_when_he_leaves_himself(self, house: House) -> None:
        people = await gather_people(house)
        assert await people.read() == ["Alice", "Alice"]
        assert (await people.writer.delete(ME)).status == 204
        for reader in people.readers:
            await problem(await reader.get(people.address), 404, "user-not-found")

    async def test_is_looked_up_once_and_a_user_who_never_was_leaves_no_key(
        self, house: House, redis: aioredis.Redis
    ) -> None:
        people = await gather_people(house)
        gone = await add_user(house.database, "gone", deleted_at=datetime.now(UTC))
        for user_id, selects in ((gone, 1), (gone + 1000, 3)):
            with statements(house.workers[0]) as sent:
                for _ in range(3):
                    answer = await people.readers[0].get(f"{USERS}/{user_id}")
                    await problem(answer, 404, "user-not-found")
            assert len(sent) == selects
        keys = {key async for key in redis.scan_iter("cache:*")}
        assert keys == {Cache.key(cache_name(gone)).encode()}


class TestCard:
    async def test_shows_what_is_public_however_it_came(
        self, house: House, redis: aioredis.Redis
    ) -> None:
        people = await gather_people(house)
        own = await (await people.writer.patch(ME, json={"birthday": "1999-12-31"})).json()
        for _ in range(2):  # as the change has left it, then as the row is read and cached
            shown = await (await people.readers[1].get(people.address)).json()
            assert shown == {name: own[name] for name in PUBLIC}
            await redis.delete(people.key)

    async def test_lies_in_redis_without_what_only_the_user_may_see(
        self, house: House, redis: aioredis.Redis
    ) -> None:
        people = await gather_people(house)
        await people.read()
        bodies = [await redis.hget(people.key, "body") or b""]
        await people.writer.patch(ME, json={"email": "secret@example.org"})
        bodies.append(await redis.hget(people.key, "body") or b"")
        for body in bodies:
            assert orjson.loads(body).keys() == PUBLIC - {"age"}
            assert b"@" not in body
            assert HASH.encode() not in body
        assert set(await redis.hkeys(people.key)) == {b"version", b"body"}

    async def test_tells_the_age_of_the_day_on_which_it_is_read(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = await gather_people(house)
        born = years_ago(30) + timedelta(days=1)
        user_id = await add_user(house.database, "dora", birthday=born)

        class Tomorrow(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) + timedelta(days=1)

        before = await (await people.readers[0].get(f"{USERS}/{user_id}")).json()
        monkeypatch.setattr("users.schemas.datetime", Tomorrow)
        with statements(house.workers[1]) as sent:
            after = await (await people.readers[1].get(f"{USERS}/{user_id}")).json()
        assert (before["age"], after["age"], sent) == (29, 30, [])
        assert date.fromisoformat(after["birthday"]) == born
