"""A mail on the wire, and whose fault it is when the server does not take it."""

import time
from dataclasses import replace

import pytest

from kit import mailer, smtp
from kit.smtp import Deferred, MailAway, Refused
from tests.kit.events import tell
from tests.kit.gates import silent_server
from tests.kit.mailbox import HANG_UP, SENDER, Mailbox
from tests.kit.mailing import BARE, MAIL, NAMES_PEOPLE, fault, greeting, send


class TestMessage:
    async def test_says_what_people_and_servers_look_for(self, box: Mailbox) -> None:
        await send(box.at(BARE))
        (mail,) = box.got
        assert (mail.sender, mail.recipients) == (SENDER, [MAIL["recipient"]])
        told = mail.message
        assert (told["From"], told["To"]) == (SENDER, MAIL["recipient"])
        assert told["Subject"] == MAIL["subject"]
        assert told["Date"].datetime == MAIL["created_at"]
        assert told["Message-ID"] == "<welcome.17@example.com>"
        assert told["Auto-Submitted"] == "auto-generated"
        assert told.get_content_type() == "text/plain"
        assert told.get_content_charset() == "utf-8"
        assert told.get_content().replace("\r\n", "\n") == MAIL["body"]

    async def test_is_the_same_at_each_try(self, box: Mailbox) -> None:
        for _ in range(2):
            await send(box.at(BARE))
        await send(box.at(BARE), name="welcome/18")
        first, second, other = box.got
        assert first.content == second.content
        assert other.message["Message-ID"] == "<welcome.18@example.com>"

    async def test_has_plain_lines_in_its_head(self, box: Mailbox) -> None:
        await send(box.at(BARE), subject="Жук" * 60)
        head = box.got[0].content.partition(b"\r\n\r\n")[0]
        assert head.isascii()
        assert max(map(len, head.split(b"\r\n"))) <= 78
        assert box.got[0].message["Subject"] == "Жук" * 60

    @pytest.mark.parametrize(
        "recipient",
        [
            "o'neil+x@example.org",
            '"a,b"@example.org',
            '"a@b"@example.org',
            "carol@[127.0.0.1]",
            f"{'a' * 64}@{'.'.join(['d' * 61] * 3)}.org",
        ],
    )
    async def test_goes_to_whatever_an_address_is(self, box: Mailbox, recipient: str) -> None:
        await send(box.at(BARE), recipient=recipient)
        assert box.recipients == [recipient]
        assert box.got[0].message["To"] == recipient


class TestServerThatIsAway:
    async def test_refuses_connections(self, box: Mailbox) -> None:
        box.stop()
        assert isinstance(await fault(box.at(BARE)), MailAway)
        box.start()
        await send(box.at(BARE))
        assert len(box.got) == 1

    @pytest.mark.parametrize(
        "words", [b"421 busy\r\n", b"554 no\r\n", b"", b"220 hi\r\n", b"?\r\n"]
    )
    async def test_does_not_want_to_talk(self, words: bytes) -> None:
        async with greeting(words) as url:
            assert isinstance(await fault(replace(BARE, smtp_url=url)), MailAway)

    @pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
    async def test_hangs_up_in_the_middle(self, box: Mailbox, command: str) -> None:
        box.answers[command] = HANG_UP
        assert isinstance(await fault(box.at(BARE)), MailAway)

    @pytest.mark.parametrize("command", ["RCPT", "DATA"])
    async def test_closes_the_channel(self, box: Mailbox, command: str) -> None:
        box.answers[command] = "421 4.3.2 closing"
        assert isinstance(await fault(box.at(BARE)), MailAway)

    @pytest.mark.parametrize("answer", ["421 4.3.2 closing", "450 later", "550 not from you"])
    async def test_does_not_take_our_sender(self, box: Mailbox, answer: str) -> None:
        box.answers["MAIL"] = f"{answer} {NAMES_PEOPLE}"
        assert isinstance(await fault(box.at(BARE)), MailAway)

    async def test_is_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kit.smtp.STEP_LIMIT", 0.3)
        async with silent_server() as address:
            started = time.monotonic()
            away = await fault(replace(BARE, smtp_url=f"smtp://{address}"))
        tell("gave up a silent server after seconds", seconds := time.monotonic() - started)
        assert isinstance(away, MailAway)
        assert seconds < 3

    async def test_is_slow_at_each_step(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert smtp.STEP_LIMIT < smtp.SEND_LIMIT < mailer.LEASE.total_seconds() / 2
        monkeypatch.setattr("kit.smtp.SEND_LIMIT", 0.5)
        box.delays = dict.fromkeys(("MAIL", "RCPT", "DATA"), 0.4)
        started = time.monotonic()
        assert isinstance(await fault(box.at(BARE)), MailAway)
        tell("gave up a slow server after seconds", seconds := time.monotonic() - started)
        assert 0.5 <= seconds < 3
        assert box.got == []


class TestMailThatIsNotTaken:
    @pytest.mark.parametrize("command", ["RCPT", "DATA"])
    @pytest.mark.parametrize("code", [500, 550, 552, 554])
    async def test_is_refused_for_ever(self, box: Mailbox, command: str, code: int) -> None:
        box.answers[command] = f"{code} no {NAMES_PEOPLE}"
        refused = await fault(box.at(BARE))
        assert isinstance(refused, Refused)
        assert str(code) in str(refused)

    @pytest.mark.parametrize("command", ["RCPT", "DATA"])
    @pytest.mark.parametrize("code", [450, 451, 452])
    async def test_is_refused_for_now(self, box: Mailbox, command: str, code: int) -> None:
        box.answers[command] = f"{code} later {NAMES_PEOPLE}"
        deferred = await fault(box.at(BARE))
        assert isinstance(deferred, Deferred)
        assert str(code) in str(deferred)
