"""What the tests of mails share: a mail, ways to send and to queue it, and what became of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping

from kit import mails, smtp
from kit.db import Database
from kit.settings import Settings
from kit.smtp import Deferred, MailAway, Refused
from tests.support.settings import make_settings
from tests.support.shops import rows, run, value

BARE = make_settings("postgresql://h/d", "redis://h")
MAIL: dict[str, Any] = {
    "id": 1,
    "name": "welcome/17",
    "recipient": "carol@example.org",
    "subject": "Добро пожаловать",
    "body": "Hello Каролина,\n\n.\nbye 🐙\n",
    "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
}
NAMES_PEOPLE = "because of carol@example.org"
LEASE = timedelta(seconds=60)


async def send(settings: Settings, **changes: Any) -> None:
    """Send a mail."""
    await smtp.Server(settings).send({**MAIL, **changes})  # type: ignore[arg-type]


async def fault(settings: Settings, **changes: Any) -> Exception:
    """Send a mail that does not arrive; return why."""
    with pytest.raises((MailAway, Refused, Deferred)) as caught:
        await send(settings, **changes)
    assert "@" not in str(caught.value)
    assert "carol" not in str(caught.value)
    return caught.value


def to(name: str) -> str:
    """Return where the mail of a name goes."""
    return f"{name}@example.org"


async def queue(database: Database, *names: str) -> None:
    """Queue mails, the first one due for longest."""
    for number, name in enumerate(names):
        async with database.writing() as session:
            await mails.enqueue(session, mails.Mail(name, to(name), "A subject", "A body."))
        back = "UPDATE mails SET next_at = next_at - make_interval(secs => :s) WHERE name = :name"
        await run(database, back, s=float(len(names) - number), name=name)


async def claim(database: Database, owner: str = "me") -> RowMapping | None:
    """Claim a mail in a transaction of its own."""
    async with database.writing() as session:
        return await mails.claim(session, owner, LEASE)


async def claimed(database: Database, owner: str = "me") -> str | None:
    """Claim a mail; return its name."""
    mail = await claim(database, owner)
    return None if mail is None else str(mail["name"])


async def row(database: Database, name: str) -> dict[str, Any]:
    """Return all that is known of a mail."""
    (found,) = await rows(database, "SELECT * FROM mails WHERE name = :name", name=name)
    return found


async def end_leases(database: Database) -> None:
    """Let more time pass than a lease lasts."""
    await run(database, "UPDATE mails SET lease_until = lease_until - interval '90 seconds'")


async def make_due(database: Database) -> None:
    """Let as much time pass as any mail has to wait."""
    await run(database, "UPDATE mails SET next_at = least(next_at, now())")


async def waiting(database: Database) -> int:
    """Count the mails that wait."""
    async with database.reading() as session:
        return await mails.waiting(session)


async def unmarked(database: Database) -> int:
    """Count the mails that are not marked as sent."""
    return int(await value(database, "SELECT count(*) FROM mails WHERE sent_at IS NULL"))


async def all_marked(database: Database) -> bool:
    """Tell whether every mail is marked as sent."""
    return await unmarked(database) == 0


def told(lines: Sequence[dict[str, Any]], loop: str = "mailer") -> list[str]:
    """Return what a loop has logged about its waiting."""
    return [line["event"] for line in lines if line.get("loop") == loop]


@asynccontextmanager
async def greeting(words: bytes) -> AsyncIterator[str]:
    """Say something to whoever connects, and hang up; give what SMTP_URL has to be."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
