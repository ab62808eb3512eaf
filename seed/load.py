"""Fill the empty domains in one transaction, one COPY per table, alone even when several start."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.cache import Cache
from kit.engine import lone_engine
from kit.passwords import hash_password
from kit.redis import create_redis
from kit.session import create_store
from kit.settings import Settings
from seed import applications, friends, logins, picnic, shop, users
from seed.factories import Factory
from seed.plan import PASSWORD, Login, Plan, Report, SeedError, Step, Summary, silent
from seed.source import Batch, Domain, Source

ADVISORY_LOCK = 7_300_002  # whoever seeds holds it; the others wait their turn
NEIGHBOURS = [
    shop.DOMAIN,
    applications.DOMAIN,
    friends.DOMAIN,
    picnic.DOMAIN,
]  # what needs users comes after them
DOMAINS = [users.DOMAIN, *NEIGHBOURS]
TABLES = [table for domain in DOMAINS for table in domain.tables]
TRACES = ["outbox", "inbox", "idempotency_keys", "mails"]  # of what was done with the rows
REPORT_EVERY = 1000  # rows
ADVANCE = text("""
    SELECT setval(sequence, greatest(nextval(sequence), :last))
    FROM (SELECT pg_get_serial_sequence(:table, 'id')::regclass AS sequence) AS found
""")


async def seed(settings: Settings, plan: Plan, report: Report = silent) -> Summary:
    """Fill each domain that is empty and see to it that `demo` and `admin` exist.

    All or nothing. The same plan gives the same rows, except for the salt in the password's hash.

    Raises:
        PlanError: the plan contradicts itself.
        SeedError: this is production.
        SettingsError: its address is not one.
    """
    plan.check()
    refuse_in_production(settings)
    factory = Factory(plan.random_seed, plan.locale)
    engine = lone_engine(settings)
    try:
        return await _seed(engine, Filling(settings, plan, factory, report))
    finally:
        await engine.dispose()


def refuse_in_production(settings: Settings) -> None:
    """Raise SeedError where a login with a public password would open real data."""
    if settings.app_env == "production":
        raise SeedError("APP_ENV=production: made-up people with a public password are refused.")


class Filling:
    """Fill what is empty on one connection, and remember what was done."""

    def __init__(self, settings: Settings, plan: Plan, factory: Factory, report: Report) -> None:
        self.plan = plan
        self.settings = settings
        self.counts = dict.fromkeys(TABLES, 0)
        self.seconds: dict[str, float] = {}
        self._hash: str | None = None
        self._factory = factory
        self._report = report

    def password_hash(self) -> str:
        """Hash the password of everybody, once and only when somebody is made."""
        self._hash = self._hash or hash_password(PASSWORD, self.settings.bcrypt_rounds)
        return self._hash

    async def fill(self, connection: AsyncConnection, domain: Domain) -> None:
        """Fill a domain when all its tables are empty."""
        if not await _empty(connection, domain.tables):
            return
        # Whoever registers or orders meanwhile waits, so that nobody takes an id of ours.
        tables = ", ".join(domain.tables)
        await connection.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))
        if not await _empty(connection, domain.tables):
            return
        ids = await logins.ids(connection)
        source = Source(self.plan, self._factory, self.password_hash(), ids)
        for batch in domain.batches(source):
            await self._copy(connection, batch)

    async def welcome(self, connection: AsyncConnection) -> tuple[list[Login], int]:
        """Add `demo` and `admin` when they are missing; list who can sign in, count the rest."""
        made = self.counts["users"]
        self.counts["users"] += await logins.ensure(connection, self.password_hash)
        return await logins.listed(connection, made)

    async def _copy(self, connection: AsyncConnection, batch: Batch) -> None:
        started = time.perf_counter()
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection  # asyncpg's own; SQLAlchemy has no COPY
        try:
            await driver.copy_records_to_table(
                batch.table, records=self._counted(batch), columns=batch.columns
            )
        except KeyboardInterrupt:  # a second Ctrl-C amid a row: asyncpg could not even roll back
            await connection.invalidate()
            raise
        done = self.counts[batch.table]
        if done and "id" in batch.columns:  # ours are 1, 2, ...
            await _advance_identity(connection, batch.table, last=done)
        self.seconds[batch.table] = time.perf_counter() - started
        self._report(Step(batch.table, done, done, self.seconds[batch.table]))

    def _counted(self, batch: Batch) -> Iterator[tuple[Any, ...]]:
        done = 0
        for done, record in enumerate(batch.records(), start=1):
            if done % REPORT_EVERY == 1:
                self._report(Step(batch.table, done, batch.total))
            yield record
        self.counts[batch.table] = done


async def _seed(engine: AsyncEngine, filling: Filling) -> Summary:
    async with engine.begin() as connection:
        await _be_alone(connection)
        if filling.plan.reset:
            await connection.execute(
                text(f"TRUNCATE {', '.join(TABLES + TRACES)} RESTART IDENTITY")
            )
        await filling.fill(connection, users.DOMAIN)
        some, more = await filling.welcome(connection)
        for domain in NEIGHBOURS:
            await filling.fill(connection, domain)
    if filling.plan.reset:
        await _forget_people(filling.settings)
    changed = filling.plan.reset or any(filling.counts.values())
    if changed:  # the planner should not meet the new tables with the statistics of empty ones
        async with engine.begin() as connection:
            await connection.execute(text(f"ANALYZE {', '.join(TABLES)}"))
    return Summary(
        changed=changed,
        counts=filling.counts,
        seconds=filling.seconds,
        logins=some,
        more_logins=more,
    )


async def _forget_people(settings: Settings) -> None:
    """End all sessions and forget all cards: the next users have the ids of those before."""
    redis = create_redis(settings)
    try:
        await create_store(settings, redis).end_everything()
        await Cache(redis).clear()
    finally:
        await redis.aclose()


async def _be_alone(connection: AsyncConnection) -> None:
    """Wait, as long as it takes, until no other seed runs."""
    for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        await connection.execute(text(f"SET LOCAL {limit} = 0"))
    await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})


async def _empty(connection: AsyncConnection, tables: Sequence[str]) -> bool:
    found = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in tables)
    return not (await connection.execute(text(f"SELECT {found}"))).scalar_one()


async def _advance_identity(connection: AsyncConnection, table: str, last: int) -> None:
    """Let the next id come after the copied ones, and never before one that was given already."""
    await connection.execute(ADVANCE, {"table": table, "last": last})
