"""Look at PostgreSQL: its version, the revision of the database, and the connections of all."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import migrations.run
from cli.ailments import Ailment, Finding, Fleet
from kit.engine import POOL_SIZE, create_engine
from kit.settings import SERVICE, Settings
from kit.worker import CONNECTIONS

OLDEST = 14
AT_HAND = 5  # connections for `shop-api migrate`, `doctor`, and a person with psql

# Everybody may see who is connected, though not what the others do there. What replicates or
# works for PostgreSQL itself takes no place among max_connections, and has no database.
PLACES = text("""
SELECT current_setting('server_version_num')::int / 10000 AS version,
    current_setting('max_connections')::int AS most,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
    count(*) FILTER (WHERE application_name IS DISTINCT FROM :service) AS others,
    count(*) FILTER (WHERE application_name = :service AND pid <> pg_backend_pid()) AS ours
FROM pg_stat_activity
WHERE datid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
""")


@dataclass(frozen=True)
class Places:
    """Count the places for connections that a server has."""

    version: int
    most: int
    reserved: int  # for superusers
    others: int  # taken by other programs now
    ours: int

    @property
    def left(self) -> int:
        """Return how many places the house may take."""
        return self.most - self.reserved - self.others - AT_HAND

    def __str__(self) -> str:
        parts = f"{self.reserved} reserved, {self.others} taken by others, {AT_HAND} kept at hand"
        return f"{self.left} of {self.most} ({parts})"


async def check_postgresql(settings: Settings, fleet: Fleet) -> Finding:
    """Compare what all processes want with what the server has.

    Raises:
        Ailment: it is too old, not migrated, or too small.
    """
    places, present = await _ask(settings)
    newest = migrations.run.newest_revision()
    if places.version < OLDEST:
        raise Ailment(f"version {places.version} is too old: use {OLDEST} or newer.")
    if present != newest:
        raise Ailment(f"at revision {present or 'nothing'}, not {newest}: run `shop-api migrate`.")
    wanted = POOL_SIZE * fleet.web_processes + CONNECTIONS * fleet.workers
    if wanted > places.left:
        raise Ailment(
            f"{wanted} connections wanted by {fleet}, and {places} are left: lower WORKERS, run "
            "fewer of them, or raise max_connections there."
        )
    found = (
        f"version {places.version}, revision {present}, {wanted} connections wanted by {fleet}, "
        f"{places.ours} of them open, and there are {places}"
    )
    return Finding(found, _when_restarted(settings, wanted, places))


def _when_restarted(settings: Settings, wanted: int, places: Places) -> list[str]:
    """Warn when a new web container does not fit beside the old one that it replaces."""
    more = wanted + POOL_SIZE * settings.workers
    if more <= places.left:
        return []
    return [
        f"a rolling restart wants {more} connections for a moment, and {places.left} are left:"
        " replace containers by ending the old one first, or raise max_connections there."
    ]


async def _ask(settings: Settings) -> tuple[Places, str | None]:
    engine = create_engine(settings)
    try:
        async with engine.connect() as connection:
            return await _places(connection), await connection.run_sync(
                migrations.run.present_revision
            )
    finally:
        await engine.dispose()


async def _places(connection: AsyncConnection) -> Places:
    row = (await connection.execute(PLACES, {"service": SERVICE})).mappings().one()
    return Places(**row)
