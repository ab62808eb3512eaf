"""Signing in to a mail server, and speaking to it in secret."""

import asyncio
import shutil
import ssl
from asyncio.subprocess import DEVNULL
from dataclasses import replace
from pathlib import Path

import pytest

from kit.smtp import MailAway
from tests.kit.mailbox import mailbox
from tests.kit.mailing import BARE, fault, send

REQUEST = """
req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost
-addext subjectAltName=IP:127.0.0.1 -out cert.pem -keyout key.pem
"""


class TestSigningIn:
    async def test_opens_the_server(self) -> None:
        with mailbox(login=("shop", "p@ss:w/ord")) as box:
            url = f"smtp://shop:p%40ss%3Aw%2Ford@127.0.0.1:{box.port}"
            await send(replace(box.at(BARE), smtp_url=url))
        assert [mail.signed_in for mail in box.got] == [True]

    @pytest.mark.parametrize("user", ["shop:wrong@", "other:secret@", ""])
    async def test_is_asked_for(self, user: str) -> None:
        with mailbox(login=("shop", "secret")) as box:
            settings = replace(box.at(BARE), smtp_url=f"smtp://{user}127.0.0.1:{box.port}")
            assert isinstance(await fault(settings), MailAway)
        assert box.got == []


@pytest.fixture(scope="module")
async def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate of our own; return where it lies, and what a server needs."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    process = await asyncio.create_subprocess_exec(
        openssl, *REQUEST.split(), cwd=folder, stdout=DEVNULL, stderr=DEVNULL
    )
    assert await process.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


@pytest.mark.parametrize("way", ["implicit", "offered"])
class TestEncryption:
    async def test_is_used(
        self,
        certificate: tuple[Path, ssl.SSLContext],
        monkeypatch: pytest.MonkeyPatch,
        way: str,
    ) -> None:
        path, context = certificate
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with mailbox(**{way: context}) as box:
            await send(box.at(BARE))
        assert [mail.secure for mail in box.got] == [True]

    async def test_is_not_done_without_when_the_certificate_is_foreign(
        self, certificate: tuple[Path, ssl.SSLContext], way: str
    ) -> None:
        with mailbox(**{way: certificate[1]}) as box:
            for _ in range(2):
                assert isinstance(await fault(box.at(BARE)), MailAway)
        assert box.got == []
