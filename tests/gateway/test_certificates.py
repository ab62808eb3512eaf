"""The script that makes a certificate where none lies."""

import ssl
from pathlib import Path

from tests.gateway.certificates import make_certificates
from tests.gateway.running import needs

pytestmark = needs("openssl")


class TestCertificates:
    def test_fit_their_key_and_are_for_this_machine(self, tmp_path: Path) -> None:
        said = make_certificates(tmp_path)
        assert "DNS:localhost,IP:127.0.0.1" in said
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            tmp_path / "tls.crt", tmp_path / "tls.key"
        )
        assert (tmp_path / "tls.key").stat().st_mode & 0o077 == 0
        assert (tmp_path / "tls.crt.key").read_bytes() == (tmp_path / "tls.key").read_bytes()

    def test_are_left_alone_when_there_are_some(self, tmp_path: Path) -> None:
        make_certificates(tmp_path)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert make_certificates(tmp_path) == ""
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
