"""Databases that no migration has touched."""

import itertools
from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from kit.engine import driver_url
from kit.settings import Settings
from tests.support.databases import cloned

_numbers = itertools.count(1)


@pytest_asyncio.fixture
async def bare(bare_settings: Settings) -> AsyncIterator[Settings]:
    """Point at an empty database that lasts for one test."""
    async with cloned(bare_settings, f"bare_{next(_numbers)}", "template1") as ours:
        yield ours


@pytest_asyncio.fixture
async def bare_engine(bare: Settings) -> AsyncIterator[AsyncEngine]:
    """Open that database."""
    made = create_async_engine(driver_url(bare), poolclass=NullPool)
    yield made
    await made.dispose()
