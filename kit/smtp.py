"""Hand a mail to the server that SMTP_URL names, and tell whose fault it is when that fails."""

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib
from sqlalchemy import RowMapping

from kit.errors import Away
from kit.settings import Settings

STEP_LIMIT = 5.0  # seconds for each answer of the server
SEND_LIMIT = 20.0  # seconds for all of it
PERMANENT = 500  # SMTP answers from here on are final (RFC 5321, 4.2.1)


class MailAway(Away):
    """The server does not answer, or takes no mails from us at all."""


class Refused(Exception):
    """The server will never take this mail."""


class Deferred(Exception):
    """The server wants to be asked again later about this mail."""


class Server:
    """Send mails through one server; STARTTLS is used where it is offered."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.smtp_url)
        self._sender = settings.mail_from
        self._where = {
            "hostname": url.hostname,
            "port": url.port,
            "username": unquote(url.username) if url.username else None,
            "password": unquote(url.password) if url.password else None,
            "use_tls": url.scheme == "smtps",
            "timeout": STEP_LIMIT,
        }

    async def send(self, mail: RowMapping) -> None:
        """Send one mail; its id is the same at each try, so that a second copy can be told.

        Raises:
            MailAway, Refused, Deferred: as the server's answer says.
        """
        try:
            async with asyncio.timeout(SEND_LIMIT):
                await aiosmtplib.send(self._message(mail), **self._where)  # type: ignore[arg-type]
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _of_mail(error.recipients[0]) from error
        except aiosmtplib.SMTPDataError as error:
            raise _of_mail(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailAway(type(error).__name__) from error

    def _message(self, mail: RowMapping) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail["recipient"]
        message["Subject"] = mail["subject"]
        message["Date"] = format_datetime(mail["created_at"])
        domain = self._sender.rpartition("@")[2]
        message["Message-ID"] = f"<{mail['name'].replace('/', '.')}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(mail["body"])
        return message


def _of_mail(error: aiosmtplib.SMTPResponseException) -> Exception:
    """Tell final answers about a mail from passing ones; the server's words may name people."""
    kind = Refused if error.code >= PERMANENT else Deferred
    return kind(f"{type(error).__name__} {error.code}")
