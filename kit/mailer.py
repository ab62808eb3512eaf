"""Send the mails that wait: each once, unless a worker dies between the server's yes and ours."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import RowMapping

from kit import mails, smtp
from kit.db import Database
from kit.log import logger, speaking_for
from kit.patience import Patience, pause
from kit.settings import Settings

LEASE = timedelta(seconds=60)  # after which another worker takes over; longer than sending takes
POLL = 0.5  # seconds between two looks at an empty queue
DEFERRED = timedelta(minutes=1)  # what a server that wants to hear of a mail later has to wait

Send = Callable[[RowMapping], Awaitable[None]]


async def note(mail: RowMapping) -> None:
    """Write into the log that there is a mail, in the place of a server; not to whom."""
    logger.info("mail", mail=mail["name"], subject=mail["subject"])


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
        while not stop.is_set():
            async with patience:
                if not await self.deliver():
                    await pause(stop, POLL)

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
            await self._send(mail)
        except smtp.Refused as error:
            async with self._database.writing() as session:
                parked = await mails.fail(session, mail["id"], str(error))
            if parked:
                logger.error("mail parked", mail=mail["name"], cause=str(error))
        except (smtp.Deferred, smtp.MailAway) as error:
            wait = DEFERRED if isinstance(error, smtp.Deferred) else timedelta()
            async with self._database.writing() as session:
                await mails.put_off(session, mail["id"], wait, str(error))
            if isinstance(error, smtp.MailAway):
                raise
        else:
            self._sent.append(mail["id"])
            await self._mark()

    async def _mark(self) -> None:
        """Mark what was sent; it stays noted here until PostgreSQL has it."""
        while self._sent:
            async with self._database.writing() as session:
                await mails.finish(session, self._sent[0])
            del self._sent[0]
