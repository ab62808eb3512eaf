"""Wait until the database has the tables that this code needs, while somebody else migrates."""

import asyncio
import time

from sqlalchemy.ext.asyncio import AsyncEngine

from kit.engine import lone_engine
from kit.reach import CAUSES, is_outage
from kit.settings import Settings
from migrations.run import NotMigrated, known_revisions, newest_revision, present_revision

PAUSE = 0.5  # seconds between two looks


async def wait(settings: Settings, seconds: float) -> str:
    """Return the revision as soon as it is this code's own, or that of a newer release.

    A newer one counts: while it rolls out, or is rolled back, this code is started again, too.

    Raises:
        NotMigrated: nobody has migrated in time.
        OSError, DBAPIError: the database could not be asked until the end.
    """
    deadline = time.monotonic() + seconds
    engine = lone_engine(settings)
    try:
        while True:
            present = await _look(engine, final=time.monotonic() >= deadline)
            if present == newest_revision() or present not in {None, *known_revisions()}:
                return str(present)
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(PAUSE)
    finally:
        await engine.dispose()
    raise NotMigrated(
        f"The database is at revision {present or 'nothing'}, not {newest_revision()}, "
        f"after {seconds:g} seconds: run `shop-api migrate`."
    )


async def _look(engine: AsyncEngine, *, final: bool) -> str | None:
    """Return the revision; a database that is away has none until the final look."""
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(present_revision)
    except CAUSES as error:
        if final or not is_outage(error):
            raise
        return None
