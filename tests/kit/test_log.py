"""The log: one JSON line per request with exactly nine fields, whatever comes, and no secrets."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from kit.db import Database
from kit.log import logger
from tests.kit.conftest import Lines
from tests.kit.doors import UNKNOWN, Operation, operations, request, talk
from tests.support.clients import API, Client, problem, sign_in
from tests.users.forms import (
    LOGOUT,
    ME,
    PASSWORD_OF_ME,
    SESSIONS,
    USERS,
    cookie_of,
    me,
    sign_up_form,
)

FIELDS = [
    *("time", "level", "event", "request_id", "method", "route", "status", "duration_ms"),
    "user_id",
]
CANARY = "canary-7c2f"
PASSWORD = f"{CANARY} password"
EMAIL = f"{CANARY}@example.org"


def requests_in(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of requests."""
    return [line for line in lines if line["event"] == "request"]


class TestRequestLine:
    async def test_has_exactly_these_fields(self, alice: Client, log_lines: Lines) -> None:
        user_id = (await me(alice))["id"]
        before = len(log_lines())
        response = await alice.get(f"{USERS}/{user_id}")
        (line,) = log_lines()[before:]
        assert sorted(line) == sorted(FIELDS)
        assert list(line)[:4] == FIELDS[:4]
        assert line["request_id"] == response.headers["X-Request-ID"]
        assert (line["method"], line["route"]) == ("GET", f"{USERS}/{{id}}")
        assert (line["level"], line["status"], line["user_id"]) == ("info", 200, user_id)
        assert 0 < line["duration_ms"] < 5000
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None

    @pytest.mark.parametrize("operation", operations(), ids=str)
    async def test_names_the_route_and_not_the_path(
        self, guest: Client, log_lines: Lines, operation: Operation
    ) -> None:
        response = await guest.request(operation.method, f"{operation.address}?q={CANARY}")
        (line,) = log_lines()
        assert (line["route"], line["status"]) == (operation.route, response.status)
        assert line["user_id"] is None
        assert CANARY not in json.dumps(line)

    @pytest.mark.parametrize("path", [UNKNOWN, "/", f"/{CANARY}", f"{API}/users/1/2/3", "/%0A%1B"])
    async def test_calls_every_unknown_address_alike(
        self, guest: Client, log_lines: Lines, path: str
    ) -> None:
        if (await guest.get(path)).status == 404:
            (line,) = log_lines()
            assert (line["route"], line["status"]) == ("unknown", 404)
            assert CANARY not in json.dumps(line)

    async def test_names_the_method_that_does_not_work(
        self, guest: Client, log_lines: Lines
    ) -> None:
        await problem(await guest.put(ME), 405, "method-not-allowed")
        (line,) = log_lines()
        assert (line["method"], line["route"], line["status"]) == ("PUT", ME, 405)


class TestHostileInput:
    @pytest.mark.parametrize(
        "byte", ["\x80", "\xff", "\xc3\x28", "\xed\xa0\x80", "\x1b[31m", "\x85"]
    )
    async def test_leaves_one_line_that_can_be_read(
        self, raw_port: int, log_lines: Lines, byte: str
    ) -> None:
        headers = [f"{name}: a{byte}b" for name in ("User-Agent", "X-Request-ID", "Referer")]
        answer = await talk(raw_port, request("GET", "/livez", *headers))
        (line,) = log_lines()
        assert line["status"] == answer.status
        assert line["request_id"] == answer.headers["x-request-id"]

    async def test_is_written_without_control_characters(
        self, guest: Client, log_text: Callable[[], str]
    ) -> None:
        for path in ("/%0D%0A%1B", f"{USERS}/%0A", f"{API}/shop/shops?q=%0A%1B%5B31m"):
            await guest.get(path)
        logger.info("made up\r\n\x1b[31m\u2028\x85", extra="\n\x00")
        text = log_text()
        assert text.isascii()
        assert text.count("\n") == 4
        assert all(character == "\n" or character.isprintable() for character in text)


async def walk(guest: Client) -> list[str]:
    """Sign up, fail, sign in, look around, change the password and leave; return the secrets."""
    form = sign_up_form(username="carol", email=EMAIL, password=PASSWORD)
    assert (await guest.post(USERS, json=form)).status == 201
    assert (await guest.post(USERS, json=form)).status == 409
    await guest.post(USERS, json={**form, "email": f"{CANARY}@", "birthday": CANARY})
    await guest.post(f"{API}/auth/login", data=f'{{"password": "{PASSWORD}')
    assert (await sign_in(guest, EMAIL, f"{PASSWORD} wrong")).status == 401
    assert (await sign_in(guest, EMAIL, PASSWORD)).status == 200
    cookies = [cookie_of(guest)]
    assert (await guest.get(SESSIONS)).status == 200
    change = {"current_password": PASSWORD, "new_password": f"{PASSWORD} new"}
    assert (await guest.post(PASSWORD_OF_ME, json=change)).status == 204
    await sign_in(guest, "carol", f"{PASSWORD} new")
    cookies.append(cookie_of(guest))
    assert (await guest.post(LOGOUT)).status == 204
    return [CANARY, *cookies]


class TestSecrets:
    async def test_never_appear(
        self, guest: Client, log_text: Callable[[], str], log_lines: Lines
    ) -> None:
        secrets = await walk(guest)
        assert len(requests_in(log_lines())) == 10
        assert not [secret for secret in secrets if secret in log_text()]

    async def test_do_not_appear_when_something_breaks(
        self, guest: Client, log_text: Callable[[], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def explode(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("users.service.credentials.check_credentials", explode)
        await problem(await sign_in(guest, EMAIL, PASSWORD), 500, "internal-error")
        assert "ZeroDivisionError" in log_text()
        assert CANARY not in log_text()

    async def test_do_not_appear_when_the_database_complains(
        self,
        guest: Client,
        house_database: Database,
        log_text: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("users.service.profiles.TAKEN", {})  # a constraint that nobody foresaw
        form = sign_up_form(email=EMAIL, password=PASSWORD)
        assert (await guest.post(USERS, json=form)).status == 201
        await problem(await guest.post(USERS, json=form), 500, "internal-error")
        assert "uq_users_" in log_text()
        assert CANARY not in log_text()
        assert "$2b$" not in log_text()
