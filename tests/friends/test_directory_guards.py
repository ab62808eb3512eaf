"""Each guard against a users service, sawn off: the same fault then does its harm."""

import time

import pytest

from tests.friends.conftest import Beside
from tests.friends.faults import MUTUAL_WITH
from tests.friends.stage import LATE, late, padded, staged
from tests.friends.test_directory_faults import TARGET
from tests.friends.test_friendships import COUNT
from tests.support.clients import problem
from tests.support.shops import value


class TestSawnOff:
    async def test_without_the_limit_of_bytes_everything_is_read(
        self, beside: Beside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("friends.directory.LARGEST_ANSWER", 10**9)
        async with staged(padded) as stage:
            anna = await (await beside(stage.url)).enter("anna")
            await problem(await anna.befriend(TARGET), 404, "user-not-found")
            assert (await anna.friends.get(MUTUAL_WITH)).status == 200

    async def test_without_the_limit_of_time_everybody_waits(
        self, beside: Beside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("friends.directory.LIMIT", 60.0)
        async with staged(late) as stage:
            town = await beside(stage.url)
            anna = await town.enter("anna")
            started = time.perf_counter()
            assert (await anna.befriend(TARGET)).status == 201
            assert time.perf_counter() - started > LATE
            assert await value(town.friendships, COUNT) == 1
