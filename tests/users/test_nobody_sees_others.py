"""Nobody sees another's data, however many call at once and hang up; a mix-up would be seen."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import pytest
import pytest_asyncio
from redis.asyncio.connection import AbstractConnection
from redis.commands.core import AsyncScript
from redis.exceptions import TimeoutError as RedisTimeoutError

from kit.session_store import Identity, SessionStore
from tests.kit.events import tell
from tests.users.conftest import House
from tests.users.crowd import Crowd, open_client

pytestmark = [pytest.mark.concurrent, pytest.mark.chaos]

REQUESTS, FEW = 500, 200
ROUNDS = 3
GIVEN_UP = 0.1  # of all commands to Redis


@pytest_asyncio.fixture
async def crowd(house: House) -> AsyncIterator[Crowd]:
    """Give the people at the doors of two workers."""
    workers = [str(worker.make_url("")).rstrip("/") for worker in house.workers]
    async with open_client() as client:
        yield await Crowd.gather(client, workers, house.database)
    gc.collect()  # asyncpg logs connections cut off at their beginning: here, not in another test


def give_up_often(patch: pytest.MonkeyPatch) -> None:
    """Stop now and then between sending a command and reading its answer, as if cancelled."""
    genuine: Any = AbstractConnection._read_response_from_parser
    script: Any = AsyncScript.__call__

    async def read(self: AbstractConnection, **kwargs: Any) -> Any:
        if random.random() < GIVEN_UP:
            raise asyncio.CancelledError
        return await genuine(self, **kwargs)

    async def call(self: AsyncScript, *args: Any, **kwargs: Any) -> Any:
        try:
            return await script(self, *args, **kwargs)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RedisTimeoutError from None

    patch.setattr(AbstractConnection, "_read_response_from_parser", read)
    patch.setattr(AsyncScript, "__call__", call)


def keep_unread_answers(patch: pytest.MonkeyPatch) -> None:
    """Let a connection to Redis go on although the answer to its last command was not read."""
    genuine: Any = AbstractConnection.read_response

    async def read_response(self: AbstractConnection, *args: Any, **kwargs: Any) -> Any:
        return await genuine(self, *args, **{**kwargs, "disconnect_on_error": False})

    async def has_nothing_to_read(_: AbstractConnection) -> bool:
        return False

    patch.setattr(AbstractConnection, "read_response", read_response)
    patch.setattr(AbstractConnection, "can_read", has_nothing_to_read)


def mix_sessions_up(patch: pytest.MonkeyPatch) -> None:
    """Answer now and then with the session that was loaded before this one."""
    genuine, last = SessionStore.load, list[tuple[Identity, Any]]()

    async def load(self: SessionStore, handle: str, *along: str) -> tuple[Identity, Any] | None:
        found = await genuine(self, handle, *along)
        last[:] = [*last, *([found] if found else [])][-2:]
        return last[0] if random.random() < 0.3 else found

    patch.setattr(SessionStore, "load", load)


async def notices(crowd: Crowd, what: str) -> bool:
    """Tell whether the crowd sees a mix-up, which is a matter of chance, in a few rounds."""
    for _ in range(ROUNDS):
        figures = await crowd.call(FEW)
        tell(what, figures)
        if figures.mismatches:
            return True
    return False


class TestCrowd:
    async def test_sees_only_what_is_its_own(self, crowd: Crowd) -> None:
        figures = await crowd.call(REQUESTS)
        tell("two workers", figures)
        assert figures.mismatches == []
        assert figures.statuses.keys() <= {200, 503}
        assert figures.asked == REQUESTS
        assert REQUESTS * 0.15 <= figures.hung_up <= REQUESTS * 0.5
        assert figures.statuses[200] >= REQUESTS * 0.4

    async def test_sees_only_what_is_its_own_when_commands_to_redis_are_given_up(
        self, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        give_up_often(monkeypatch)
        figures = await crowd.call(FEW)
        tell("commands given up", figures)
        assert figures.mismatches == []
        assert figures.statuses.keys() <= {200, 503}
        assert figures.statuses[200] > 0
        assert figures.statuses[503] > 0


class TestSabotage:
    async def test_is_noticed_when_answers_of_redis_stay_unread(
        self, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.problems.logger", Mock())  # it would print a page for each mix-up
        give_up_often(monkeypatch)
        keep_unread_answers(monkeypatch)
        assert await notices(crowd, "unread answers")

    async def test_is_noticed_when_the_store_mixes_sessions_up(
        self, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mix_sessions_up(monkeypatch)
        assert await notices(crowd, "mixed up store")
