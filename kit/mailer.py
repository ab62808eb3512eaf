"""Send the mails that wait: each once, unless the server's yes cannot be noted in time.

That is so when a worker dies just then, or has no PostgreSQL for as long as the lease lasts.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping

from kit import mails, metrics, smtp
from kit.db import Database
from kit.log import logger, speaking_for
from kit.patience import Patience, is_outage, pause
from kit.settings import Settings

LEASE = timedelta(seconds=60)  # after which another worker takes over; longer than sending takes
POLL = 0.5  # seconds between two looks at an empty queue
DEFERRED = timedelta(minutes=1)  # until a server that asked for patience is asked again
PATIENCE = timedelta(days=3)  # after which such answers count as tries
END_LIMIT = 2.0  # seconds

RESULTS = ("sent", "put_off", "failed", "parked")
MAILS = metrics.counter("shop_api_mails", "What became of tries to send mails.", result=RESULTS)

Leave = Callable[[], Awaitable[None]]
Send = Callable[[RowMapping], Awaitable[Leave]]


async def note(mail: RowMapping) -> Leave:
    """Write into the log that there is a mail, in the place of a server; not to whom."""
    logger.info("mail", mail=mail["name"], subject=mail["subject"])
    return _nothing


async def _nothing() -> None:
    """Take leave of nobody."""


class Mailer:
    """Take one mail after the other, send it without a transaction, and mark it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._owner = secrets.token_hex(8)
        self._send: Send = smtp.Server(settings).send if settings.smtp_url else note
        self._sent: list[int] = []  # and not marked yet

    async def run(self, stop: asyncio.Event) -> None:
        """Send mails until told to stop; outages are waited for."""
        patience = Patience("mailer", stop)
        try:
            while not stop.is_set():
                async with patience:
                    if not await self.deliver():
                        await pause(stop, POLL)
        finally:
            await self._end()

    async def deliver(self) -> bool:
        """Send the mail that is due for longest; False when there is none.

        Raises:
            MailAway: the server cannot take mails now; the mail waits, with no try used up.
        """
        await self._mark()
        async with self._database.writing() as session:
            mail = await mails.claim(session, self._owner, LEASE)
        if mail is None:
            return False
        with speaking_for(mail["request_id"]):
            await self._try(mail)
        return True

    async def _try(self, mail: RowMapping) -> None:
        try:
            leave = await self._send(mail)
        except smtp.Refused as error:
            await self._fail(mail, str(error))
        except smtp.Deferred as error:
            if datetime.now(UTC) - mail["created_at"] > PATIENCE:
                await self._fail(mail, str(error), DEFERRED)
            else:
                await self._put_off(mail, DEFERRED, str(error))
        except smtp.MailAway as error:
            await self._put_off(mail, timedelta(), str(error))  # behind all that are due
            raise
        else:
            self._sent.append(mail["id"])
            MAILS.of("sent").inc()
            try:
                await self._mark()
            finally:
                await leave()

    async def _fail(self, mail: RowMapping, why: str, wait: timedelta | None = None) -> None:
        async with self._database.writing() as session:
            parked = await mails.fail(session, mail["id"], self._owner, why, wait)
        MAILS.of("parked" if parked else "failed").inc()
        if parked:
            logger.error("mail parked", mail=mail["name"], cause=why)

    async def _put_off(self, mail: RowMapping, wait: timedelta, why: str) -> None:
        async with self._database.writing() as session:
            await mails.put_off(session, mail["id"], self._owner, wait, why)
        MAILS.of("put_off").inc()

    async def _mark(self) -> None:
        """Mark what was sent; it stays noted here until PostgreSQL has it."""
        while self._sent:
            async with self._database.writing() as session:
                await mails.finish(session, self._sent[0])
            del self._sent[0]

    async def _end(self) -> None:
        """Mark what was sent, else it would be sent again."""
        try:
            async with asyncio.timeout(END_LIMIT):
                await self._mark()
        except Exception as error:
            if not is_outage(error):
                raise
            logger.warning("sent mails stay unmarked", mails=len(self._sent))
