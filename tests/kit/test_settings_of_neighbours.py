"""Where the users service and the mail server are, and how we show who we are."""

import pytest

from kit.settings import Settings
from tests.kit.named_settings import cases, is_taken, refusal

NAMES = ("USERS_SERVICE_URL", "SERVICE_TOKEN", "SMTP_URL", "MAIL_FROM")
GOOD = {
    "USERS_SERVICE_URL": [
        *("", "http://users:8000", "https://users.example/", "http://[::1]:8000", "http://u_1"),
    ],
    "SERVICE_TOKEN": ["", "x" * 16, "!~" * 128],
    "SMTP_URL": [
        *(
            "",
            "smtp://mail",
            "smtp://127.0.0.1:25/",
            "smtps://mail.example:465",
            "smtp://[::1]:25",
        ),
        *("smtp://user:password@mail:587", "smtp://me%40example.org:p%40ss%2F%23@mail"),
    ],
    "MAIL_FROM": ["shop@example.com", "no-reply+1@localhost", f"{'a' * 64}@b.example"],
}
BAD = {
    "USERS_SERVICE_URL": [
        *("users", "http:///x", "http://users:port", "http://users:65536", "http://users?x=1"),
        *("http://[::1", "//users", "/users"),
    ],
    "SERVICE_TOKEN": ["short", "\x7f" * 20, "x" * 20 + " "],
    "SMTP_URL": ["mail", "smtp://:25", "smtp://m:port", "smtp://m:65536", "smtp://[::1", "smtp:m"],
    "MAIL_FROM": ["a b@c", "a@b c", f"{'a' * 65}@b", f"a@{'b' * 251}"],
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a single one of these variables."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


class TestNeighbours:
    def test_are_none_by_default(self) -> None:
        settings = Settings.from_environment()
        assert (settings.users_service_url, settings.service_token) == ("", "")
        assert (settings.smtp_url, settings.mail_from) == ("", "shop-api@localhost")

    @pytest.mark.parametrize(("name", "value"), cases(GOOD))
    def test_are_taken_as_they_are_named(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        assert is_taken(monkeypatch, name, value)

    @pytest.mark.parametrize(("name", "value"), cases(BAD))
    def test_are_refused_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        assert refusal(monkeypatch, name, value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SMTP_URL", "smtp://u:canary@m/x"),
            ("SERVICE_TOKEN", "canary"),
            ("MAIL_FROM", "canary"),
        ],
    )
    def test_stay_secret_when_they_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        assert "canary" not in refusal(monkeypatch, name, value)
