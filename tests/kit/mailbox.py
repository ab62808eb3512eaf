"""A real mail server for tests: it keeps what it gets, and is away, slow or unwilling at will."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as ON_THE_WIRE
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from kit.settings import Settings
from tests.kit.doors import dead_port
from tests.kit.events import PATIENCE, until

HANG_UP = "hang up"  # instead of an answer
SENDER = "shop@example.com"


@dataclass(frozen=True)
class Received:
    """A mail as it came, and how."""

    sender: str
    recipients: list[str]
    content: bytes
    secure: bool
    signed_in: bool

    @property
    def message(self) -> EmailMessage:
        """Return the mail read by Python's own parser."""
        found = message_from_bytes(self.content, policy=ON_THE_WIRE)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class Mailbox:
    """Serve one port of this machine; the hooks that are named `handle_` are aiosmtpd's."""

    login: tuple[str, str] | None = None
    implicit: ssl.SSLContext | None = None  # TLS from the first byte
    offered: ssl.SSLContext | None = None  # STARTTLS
    port: int = field(default_factory=dead_port)
    got: list[Received] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)  # command or recipient -> instead of 250
    delays: dict[str, float] = field(default_factory=dict)  # command -> seconds
    asked: Counter[str] = field(default_factory=Counter)  # command or recipient -> how often
    _controller: Controller | None = None
    _talks: list[SMTP] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return what SMTP_URL has to be."""
        user = f"{':'.join(self.login)}@" if self.login else ""
        return f"{'smtps' if self.implicit else 'smtp'}://{user}127.0.0.1:{self.port}"

    def at(self, settings: Settings) -> Settings:
        """Return the settings with this server."""
        return replace(settings, smtp_url=self.url, mail_from=SENDER)

    def start(self) -> None:
        """Accept connections, always at the same port."""
        box = self

        class _Controller(Controller):
            def factory(self) -> SMTP:
                return box._answering(self.loop)

        self._controller = _Controller(
            self, hostname="127.0.0.1", port=self.port, ssl_context=self.implicit
        )
        self._controller.start()

    def stop(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._controller is not None:
            loop = self._controller.loop
            asyncio.run_coroutine_threadsafe(self._hang_up(), loop).result(PATIENCE)
            self._controller.stop()
            self._controller = None

    async def has(self, count: int, seconds: float = PATIENCE) -> float:
        """Wait until so many mails have come; return how many seconds that took."""

        async def are_there() -> bool:
            return len(self.got) >= count

        return await until(are_there, seconds)

    async def was_asked(self, what: str, times: int = 1, seconds: float = PATIENCE) -> float:
        """Wait until a command or a recipient has come so often."""

        async def has_come() -> bool:
            return self.asked[what] >= times

        return await until(has_come, seconds)

    @property
    def recipients(self) -> list[str]:
        """Return to whom mails have come, in the order in which they came."""
        return [recipient for mail in self.got for recipient in mail.recipients]

    def _answering(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        talk = SMTP(
            self,
            hostname="localhost",
            loop=loop,
            tls_context=self.offered,
            authenticator=self._check if self.login else None,
            auth_require_tls=not self.login,
        )
        self._talks.append(talk)
        return talk

    async def _hang_up(self) -> None:
        for talk in self._talks:
            _cut(talk)
        self._talks.clear()
        await asyncio.sleep(0)  # the transports close themselves

    def _check(self, *args: Any) -> AuthResult:
        told = args[-1]
        known = tuple(text.encode() for text in self.login or ())
        fits = isinstance(told, LoginPassword) and (told.login, told.password) == known
        return AuthResult(success=fits, handled=False)

    async def _answer(self, server: SMTP, *names: str) -> str | None:
        """Return what is to be said instead of 250."""
        self.asked.update(names)
        await asyncio.sleep(self.delays.get(names[0], 0))
        found = next((self.answers[name] for name in names if name in self.answers), None)
        if found == HANG_UP:
            _cut(server)
        return found

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Hear who sends."""
        if unwilling := await self._answer(server, "MAIL"):
            return unwilling
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Hear to whom."""
        if unwilling := await self._answer(server, "RCPT", address):
            return unwilling
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail, unless it is not wanted."""
        if unwilling := await self._answer(server, "DATA"):
            return unwilling
        secure = session.ssl is not None or self.implicit is not None
        signed_in = bool(session.authenticated)
        assert envelope.mail_from is not None
        assert isinstance(envelope.content, bytes)
        told = (envelope.mail_from, list(envelope.rcpt_tos), envelope.content)
        self.got.append(Received(*told, secure=secure, signed_in=signed_in))
        return "250 OK"


def _cut(talk: SMTP) -> None:
    if isinstance(talk.transport, asyncio.Transport):  # none before the first byte
        talk.transport.abort()


@contextmanager
def mailbox(**options: Any) -> Iterator[Mailbox]:
    """Keep a mail server for as long as the block lasts."""
    log = logging.getLogger("mail.log")  # aiosmtpd's own; it tells addresses
    before, log.disabled = log.disabled, True
    box = Mailbox(**options)
    box.start()
    try:
        yield box
    finally:
        box.stop()
        log.disabled = before
