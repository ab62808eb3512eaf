"""Ways to look into a seeded database and to start the real command."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from kit.engine import driver_url
from kit.settings import Settings
from seed.__main__ import main
from seed.plan import Plan

PROJECT = Path(__file__).parents[2]
SMALL = Plan(users=12, shops=3, books=20, offers=40, orders=30)
SMALL_OPTIONS = ["--users=12", "--shops=3", "--books=20", "--offers=40", "--orders=30"]


async def query(settings: Settings, statement: str, **values: Any) -> list[Any]:
    """Run one statement and commit; return its rows, if it has any."""
    engine = create_async_engine(driver_url(settings), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            found = await connection.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []
    finally:
        await engine.dispose()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that lead the command to this database."""
    return {
        "APP_ENV": "development",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "BCRYPT_ROUNDS": "4",
    }


async def start(settings: Settings, *arguments: str) -> Process:
    """Start a real `python -m seed` on this database, without a terminal."""
    return await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "seed", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment_of(settings)},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )


async def run(settings: Settings, *arguments: str, **environment: str) -> Result:
    """Run the command in a thread of this process, where it may have a loop of its own."""
    variables = {**environment_of(settings), **environment}
    return await asyncio.to_thread(CliRunner().invoke, main, list(arguments), env=variables)
