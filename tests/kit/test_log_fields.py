"""The raw names of the fields, as Elastic reads them: the one place that holds them."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kit.db import Database
from kit.log import logger
from kit.settings import VERSION
from tests.support.clients import API, Client, add_user
from tests.users.forms import USERS, me

ALWAYS = ["ecs.version", "service.name", "service.version", "process.pid"]
OF_A_REQUEST = [
    *("@timestamp", "log.level", "message", "http.request.id", "http.request.method"),
    *("labels.route", "http.response.status_code", "event.duration", "user.id", *ALWAYS),
]

Text = Callable[[], str]


def last(log_text: Text) -> dict[str, Any]:
    """Return the last line as it was written."""
    line: dict[str, Any] = json.loads(log_text().splitlines()[-1])
    return line


class TestNames:
    async def test_of_a_request(self, alice: Client, log_text: Text) -> None:
        user_id = (await me(alice))["id"]
        response = await alice.get(f"{USERS}/{user_id}")
        line = last(log_text)
        assert list(line) == OF_A_REQUEST
        assert datetime.fromisoformat(line["@timestamp"]).utcoffset() is not None
        assert (line["log.level"], line["message"]) == ("info", "request")
        assert line["http.request.id"] == response.headers["X-Request-ID"]
        assert (line["http.request.method"], line["labels.route"]) == ("GET", f"{USERS}/{{id}}")
        assert (line["http.response.status_code"], line["user.id"]) == (200, str(user_id))
        assert isinstance(line["event.duration"], int)
        assert 100_000 < line["event.duration"] < 5_000_000_000  # nanoseconds
        assert (line["service.name"], line["service.version"]) == ("shop-api", VERSION)
        assert line["ecs.version"] == "8.11.0"

    async def test_of_an_error(
        self, guest: Client, log_text: Text, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def explode(*_: Any, **__: Any) -> None:
            try:
                raise ZeroDivisionError("the first")
            except ZeroDivisionError as error:
                raise LookupError("the second") from error

        monkeypatch.setattr("shop.service.catalogue.list_shops", explode)
        assert (await guest.get(f"{API}/shop/shops")).status == 500
        line = json.loads(log_text().splitlines()[-2])
        assert (line["log.level"], line["message"]) == ("error", "unexpected error")
        assert (line["error.type"], line["error.message"]) == ("LookupError", "the second")
        trace = line["error.stack_trace"]
        assert trace.startswith("Traceback (most recent call last):\n")
        assert trace.index("ZeroDivisionError: the first") < trace.index("direct cause")
        assert trace.endswith("LookupError: the second")
        assert 'raise LookupError("the second") from error' in trace

    @pytest.mark.parametrize(
        "value", [1, 1.5, "text", True, ["a", "b"], {"a": {"b": 1}}, ValueError("odd")]
    )
    def test_of_all_else_are_labels_that_are_text(self, log_text: Text, value: object) -> None:
        logging.getLogger("a.library").warning("said", extra={"a.name": value})
        line = last(log_text)
        assert line["labels.a_name"] == str(value)
        logger.info("said", thing=value)
        assert last(log_text)["labels.thing"] == str(value)

    def test_never_stand_for_a_value_and_for_others_at_once(self, log_text: Text) -> None:
        logger.info("said", url={"a": 1}, http="x", user="y", error="z", log=1, labels=2)
        names = list(last(log_text))
        assert not [(a, b) for a in names for b in names if b.startswith(f"{a}.")]


class TestValues:
    @pytest.mark.parametrize(
        ("statement", "values"),
        [
            ("SELECT CAST(:value AS int)", {"value": "canary"}),
            ("SELECT CAST(CAST(:value AS text) AS int)", {"value": "canary"}),
            ("SELECT CAST(CAST(:value AS text) AS date)", {"value": "2020-99-77 canary"}),
            ("UPDATE users SET username = :value || NULL", {"value": "canary"}),
            (
                "UPDATE users SET email = :value || 'x', birthday = '9999-01-01'",
                {"value": "canary"},
            ),
        ],
    )
    async def test_that_postgresql_quotes_are_left_out(
        self, house_database: Database, log_text: Text, statement: str, values: dict[str, str]
    ) -> None:
        await add_user(house_database, "canary")
        with pytest.raises(DBAPIError) as caught:
            async with house_database.writing() as session:
                await session.execute(text(statement), values)
        driver = getattr(caught.value.orig, "__cause__", None)
        logger.error("unexpected error", exc_info=caught.value, cause=str(driver))
        logging.getLogger("asyncio").error("never retrieved: %r %s", caught.value, driver)
        assert "canary" in str(driver)
        assert "canary" not in log_text()
        assert "SELECT" in log_text() or "violates" in log_text()
