"""An empty, migrated database for a test of the seed."""

from collections.abc import Awaitable, Callable

import pytest_asyncio

from kit.settings import Settings

Fresh = Callable[[], Awaitable[Settings]]


@pytest_asyncio.fixture
async def empty(fresh_database: Fresh) -> Settings:
    """Point at a database without rows."""
    return await fresh_database()
