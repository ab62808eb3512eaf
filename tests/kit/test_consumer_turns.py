"""Events that wait take turns: those whose needs are away do not keep the others from theirs."""

import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncSession

from kit.consumer import Event
from kit.db import Database
from kit.settings import Settings
from tests.kit.events import publishing, running, until
from tests.kit.hearing import Ear, publish


@pytest.mark.kafka
async def test_others_are_tried_again_though_many_wait_for_what_is_away(
    busy_settings: Settings, busy_database: Database
) -> None:
    ear = await Ear(busy_settings, busy_database).prepare()
    genuine, asked = ear.handle, set()
    failing = {9}

    async def handle(session: AsyncSession, event: Event) -> None:
        number = event.payload["number"]
        asked.add(number)
        if number < 5:
            raise redis.ConnectionError("away")
        if number in failing:
            raise LookupError("a passing reason")
        await genuine(session, event)

    async def all_asked() -> bool:
        return asked == {0, 1, 2, 3, 4, 9}

    ear.handle = handle  # type: ignore[method-assign]
    async with publishing(busy_settings.kafka_servers) as producer, running(ear.consumer()):
        for number in (0, 1, 2, 3, 4, 9):
            await publish(producer, ear.topic, f"key-{number}", number)
        await until(all_asked)
        failing.clear()
        await ear.has(9)
