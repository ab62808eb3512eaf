"""Prove that a reset leaves nobody signed in whose id somebody else will get."""

from dataclasses import replace

from redis import asyncio as aioredis

from kit.session import create_store
from kit.session_store import Device, Identity
from kit.settings import Settings
from seed.load import seed
from tests.seed.tools import SMALL


class TestReset:
    async def test_ends_all_sessions(self, empty: Settings, redis: aioredis.Redis) -> None:
        store = create_store(empty, redis)
        await store.create("a" * 64, Identity(2, is_staff=True), Device("127.0.0.1", "a browser"))
        await redis.set("something-else", 1)
        await seed(empty, SMALL)
        assert await store.load("a" * 64)
        await seed(empty, replace(SMALL, reset=True))
        assert await redis.keys() == [b"something-else"]
