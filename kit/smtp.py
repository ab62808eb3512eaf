"""Hand a mail to the server that SMTP_URL names, and tell whose fault it is when that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
from sqlalchemy import RowMapping

from kit.errors import Away
from kit.log import logger
from kit.settings import Settings

STEP_LIMIT = 5.0  # seconds for each answer of the server
SEND_LIMIT = 20.0  # seconds for all of it
LEAVE_LIMIT = 1.0  # seconds
CLOSING = 421  # a server may say so at any time (RFC 5321, 4.2.3)
PERMANENT = 500  # SMTP answers from here on are final (RFC 5321, 4.2.1)


class MailAway(Away):
    """The server does not answer, or takes no mails from us at all."""


class Refused(Exception):
    """The server will never take this mail."""


class Deferred(Exception):
    """The server wants to be asked again later about this mail."""


class Server:
    """Send mails through one server.

    STARTTLS is used where it is offered; in production no password leaves without it.
    """

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.smtp_url)
        direct = url.scheme == "smtps"
        secret = settings.app_env == "production" and bool(url.password) and not direct
        self._sender = settings.mail_from
        self._where: dict[str, Any] = {
            "hostname": url.hostname,
            "port": url.port,
            "username": unquote(url.username) if url.username else None,
            "password": unquote(url.password) if url.password else None,
            "use_tls": direct,
            "start_tls": True if secret else None,  # None: where it is offered
            "timeout": STEP_LIMIT,
        }

    async def send(self, mail: RowMapping) -> Callable[[], Awaitable[None]]:
        """Send one mail; return how to take leave of the server, which has it by then.

        The mail's id is the same at each try, so that a second copy can be told.

        Raises:
            MailAway, Refused, Deferred: as the server's answer says.
        """
        try:
            message = self._message(mail)
        except Exception as error:  # an address that nobody can write to
            raise Refused(type(error).__name__) from error
        client = aiosmtplib.SMTP(**self._where)
        try:
            async with asyncio.timeout(SEND_LIMIT):
                await client.connect()
                await client.send_message(
                    message, sender=self._sender, recipients=[mail["recipient"]]
                )
        except BaseException as error:
            client.close()
            if isinstance(error, Exception):
                raise self._cause(error) from error
            raise
        logger.info("mail sent", mail=mail["name"])
        return partial(_leave, client)

    def _cause(self, error: Exception) -> Exception:
        """Tell whose fault an error is; a server's own words may name people, so they stay out."""
        match error:
            case aiosmtplib.SMTPRecipientsRefused():
                return _of_mail(error.recipients[0])
            case aiosmtplib.SMTPDataError():
                return _of_mail(error)
            case aiosmtplib.SMTPNotSupported():
                return Refused(type(error).__name__)
            case aiosmtplib.SMTPException() | OSError():
                place = f"{self._where['hostname']}:{self._where['port'] or 'default port'}"
                return MailAway(f"{type(error).__name__} at {place}")
            case _:
                return error  # a defect of ours

    def _message(self, mail: RowMapping) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = Address(addr_spec=mail["recipient"])
        message["Subject"] = mail["subject"]
        message["Date"] = format_datetime(mail["created_at"])
        domain = self._sender.rpartition("@")[2]
        message["Message-ID"] = f"<{mail['name'].replace('/', '.')}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(mail["body"])
        return message


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; a server that does not answer is left without."""
    try:
        async with asyncio.timeout(LEAVE_LIMIT):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError) as error:
        logger.info("mail server left", cause=type(error).__name__)
    finally:
        client.close()


def _of_mail(error: aiosmtplib.SMTPResponseException) -> Exception:
    """Tell final answers about a mail from passing ones."""
    told = f"{type(error).__name__} {error.code}"
    if error.code == CLOSING:
        return MailAway(told)
    return Refused(told) if error.code >= PERMANENT else Deferred(told)
