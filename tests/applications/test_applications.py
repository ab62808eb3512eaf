"""Sending in an application and looking at it, by both addresses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from kit.db import Database
from tests.support.clients import Client, problem
from tests.support.conformity import RFC3339
from tests.support.keys import APPLICATIONS, BARE, JSON, application, sent_in
from tests.support.shops import run, value
from tests.users.forms import complaints

BOTH = pytest.mark.parametrize("path", [APPLICATIONS, BARE])
FIELDS = ["id", "user_name", "description", "created_at"]
OCTOPUS = "🐙"
ZERO_WIDTH = "\u200b"


class TestSendIn:
    @BOTH
    async def test_answers_with_exactly_four_fields(
        self, guest: Client, house_database: Database, path: str
    ) -> None:
        before = datetime.now(UTC)
        response = await guest.post(path, json=application())
        document = await response.json()
        assert response.status == 201
        assert list(document) == FIELDS
        assert {**document, **application()} == document
        assert document["id"] == await value(house_database, "SELECT id FROM applications")
        assert RFC3339.fullmatch(document["created_at"])
        age = datetime.fromisoformat(document["created_at"]) - before
        assert abs(age) < timedelta(minutes=1)

    @BOTH
    async def test_answers_where_the_application_is(self, guest: Client, path: str) -> None:
        response = await guest.post(path, json=application())
        document = await response.json()
        assert response.headers["Location"] == f"{path}/{document['id']}"
        found = await guest.get(response.headers["Location"])
        assert (found.status, await found.read()) == (200, await response.read())

    async def test_takes_guests_and_gives_them_no_cookie(self, guest: Client) -> None:
        for response in (
            await guest.post(APPLICATIONS, json=application()),
            await guest.get(APPLICATIONS),
        ):
            assert "Set-Cookie" not in response.headers

    async def test_takes_users(self, alice: Client, house_database: Database) -> None:
        assert (await alice.post(BARE, json=application(user_name="alice"))).status == 201
        assert await sent_in(house_database) == (1, 1)

    @pytest.mark.parametrize(
        "changes",
        [
            {"user_name": "x", "description": "y"},
            {"user_name": "n" * 150, "description": "d" * 10_000},
            {"user_name": OCTOPUS * 150, "description": "я" * 10_000},
            {"user_name": "  spaces  ", "description": "\n line \t\r\n"},
            {"user_name": "e\u0301 and \u00e9", "description": "\u202eback\u202c \x1b[0m"},
            {"user_name": f"{ZERO_WIDTH}x", "description": "<script>'\";--\\ %_</script>"},
        ],
    )
    async def test_keeps_text_as_typed(self, guest: Client, changes: dict[str, str]) -> None:
        response = await guest.post(APPLICATIONS, json=changes)
        assert response.status == 201, await response.text()
        shown = await (await guest.get(response.headers["Location"])).json()
        assert {**shown, **changes} == shown

    async def test_takes_ten_thousand_emoji_unless_their_spelling_is_too_large(
        self, guest: Client, house_database: Database
    ) -> None:
        body = application(description=OCTOPUS * 10_000)
        compact = await guest.post(APPLICATIONS, data=orjson.dumps(body), headers=JSON)
        assert (compact.status, (await compact.json())["description"]) == (201, OCTOPUS * 10_000)
        escaped = await guest.post(APPLICATIONS, json=body)  # 120 kB: \ud83d\udc19 for each
        await problem(escaped, 413, "payload-too-large")
        assert await sent_in(house_database) == (1, 1)


# field -> values that no application may have; `...` is no value at all
REFUSED: dict[str, list[Any]] = {
    "user_name": [
        *(..., None, 7, 1.5, True, [], ["x"], {}, "", " ", "\t\r\n", "\u3000", ZERO_WIDTH),
        *("n" * 151, OCTOPUS * 151, "a\x00b", "\x00", "a\ud800b", "\udfff"),
    ],
    "description": [
        *(..., None, 7, 1.5, False, [], ["x"], {}, "", " ", "\n\n", "\u2003\u00a0", ZERO_WIDTH),
        *("d" * 10_001, "я" * 10_001, "a\x00b", "a\ud800b", "\udc19\ud83d"),
    ],
}
CASES = [(name, wrong) for name, values in REFUSED.items() for wrong in values]


class TestRefusedApplication:
    @pytest.mark.parametrize(("name", "wrong"), CASES, ids=lambda case: repr(case)[:20])
    async def test_has_a_field_that_does_not_fit(
        self, guest: Client, house_database: Database, name: str, wrong: object
    ) -> None:
        body = {key: text for key, text in application(**{name: wrong}).items() if text is not ...}
        assert await complaints(await guest.post(APPLICATIONS, json=body)) == {f"/{name}"}
        assert await sent_in(house_database) == (0, 0)

    async def test_is_told_of_all_its_faults_at_once(self, guest: Client) -> None:
        body = {"user_name": " ", "id": 1, "created_at": "2026-01-01T00:00:00Z", "a/b~c": 1}
        found = await complaints(await guest.post(BARE, json=body))
        assert found == {"/user_name", "/description", "/id", "/created_at", "/a~1b~0c"}

    @pytest.mark.parametrize("text", ["[]", "null", '"x"', "7"])
    async def test_is_no_object(self, guest: Client, text: str) -> None:
        response = await guest.post(APPLICATIONS, data=text, headers=JSON)
        await problem(response, 422, "validation-failed")

    @pytest.mark.parametrize("text", ["", "{", '{"user_name": "a", "user_name": "b"}', "\ufeff{}"])
    async def test_is_no_json(self, guest: Client, text: str) -> None:
        response = await guest.post(APPLICATIONS, data=text.encode(), headers=JSON)
        await problem(response, 400, "malformed-json")

    async def test_has_parameters_in_its_address(self, guest: Client) -> None:
        response = await guest.post(f"{APPLICATIONS}?user_name=x", json=application())
        (complaint,) = (await problem(response, 422, "validation-failed"))["errors"]
        assert complaint["parameter"] == "user_name"


class TestShow:
    @BOTH
    async def test_of_an_unknown_one_is_not_found(self, guest: Client, path: str) -> None:
        for row_id in (1, 2**63 - 1):
            response = await guest.get(f"{path}/{row_id}")
            await problem(response, 404, "application-not-found")

    @pytest.mark.parametrize("text", ["0", "-1", "x", "1.0", "01", str(2**63), "٣", "1e3"])
    async def test_of_what_is_no_id_is_not_found(self, guest: Client, text: str) -> None:
        await problem(await guest.get(f"{APPLICATIONS}/{text}"), 404, "not-found")

    async def test_shows_utc_whatever_the_session_of_postgresql_says(
        self, guest: Client, house_database: Database
    ) -> None:
        response = await guest.post(APPLICATIONS, json=application())
        moment = "timestamptz '2026-03-01 01:02:03.000000+05:30'"
        await run(house_database, f"UPDATE applications SET created_at = {moment}")
        shown = await (await guest.get(response.headers["Location"])).json()
        assert shown["created_at"] == "2026-02-28T19:32:03Z"
