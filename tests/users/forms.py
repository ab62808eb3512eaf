"""What the tests of users send and expect."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import ClientResponse
from sqlalchemy import RowMapping, select

from kit.db import Database
from tests.support.clients import API, Client, problem
from users.entities import User

USERS = f"{API}/users"
ME = f"{USERS}/me"
PASSWORD_OF_ME = f"{ME}/password"
SESSIONS = f"{API}/auth/sessions"
LOGOUT = f"{API}/auth/logout"

PUBLIC = {"id", "username", "first_name", "second_name", "birthday", "age", "created_at"}
OWN = PUBLIC | {"email", "is_staff", "updated_at"}

LONGEST_EMAIL = f"{'a' * 64}@{'.'.join(['d' * 61] * 3)}.org"  # 254 characters


def sign_up_form(**changes: Any) -> dict[str, Any]:
    """Return what a new user sends; a field that is changed to `...` is left out."""
    form = {
        "username": "carol",
        "email": "carol@example.org",
        "password": "open sesame 42",
        "first_name": "Carol",
        "second_name": "Danvers",
        **changes,
    }
    return {name: value for name, value in form.items() if value is not ...}


def today() -> date:
    """Return the service's day."""
    return datetime.now(UTC).date()


def years_ago(years: int) -> date:
    """Return the latest birthday of somebody who is that old today."""
    day = today()
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


# field -> values that no user may have; `...` is no value at all
REFUSED: dict[str, list[Any]] = {
    "username": [
        *(..., None, 7, "", "ab", "a" * 33, "a b c", "alice@", "alicé", "алиса"),
        *("abc\n", " abc", "a/bc", "abc\x00", "\ud800bc"),
    ],
    "email": [
        "=?utf-8?q?victim=40x?=@example.org",  # mails would read more into it
        *(..., None, 7, "", "plain", "@example.org", "a@", "a b@example.org", "a@@example.org"),
        *("a@example..org", "a@example.org\n", " a@example.org", "a@-", "a@b\x00.org"),
        *("a" + LONGEST_EMAIL, "a@example.org, b@example.org", "Ann <a@example.org>"),
    ],
    "password": [
        ...,
        None,
        12345678,
        "",
        "1234567",
        "p" * 129,
        "🐙" * 7,
        "nul\x00 nul",
        "\udfff" * 8,
    ],
    "first_name": [..., None, 7, "", " ", "\t\n", "\u3000", "n" * 101, "a\x00b", "a\ud800b"],
    "second_name": [..., None, ["x"], "", " ", "\u00a0", "n" * 101, "a\x00b", "a\udfffb"],
    "birthday": [
        *("", "2000-02-30", "1900-02-29", "01.02.2000", "2000-2-3", "20000203", 20000203, False),
        *("2000-01-01T00:00:00Z", "\u0662000-01-01", "0000-01-01", "0001-01-01", "9999-12-31"),
        (today() + timedelta(days=1)).isoformat(),
        years_ago(151).isoformat(),
    ],
}


async def me(client: Client) -> dict[str, Any]:
    """Return the signed-in user."""
    response = await client.get(ME)
    assert response.status == 200, await response.text()
    document: dict[str, Any] = await response.json()
    return document


async def complaints(response: ClientResponse) -> set[str]:
    """Return the pointers of a refused body."""
    document = await problem(response, 422, "validation-failed")
    assert all(complaint["message"] for complaint in document["errors"])
    return {complaint["pointer"] for complaint in document["errors"]}


def cookie_of(client: Client) -> str:
    """Return the value of the client's session cookie, "" when there is none."""
    return next((c.value for c in client.session.cookie_jar if c.key == "session"), "")


async def lives(client: Client, cookie: str) -> bool:
    """Tell whether a cookie still opens a session; the client must have none of its own."""
    assert not cookie_of(client)
    # This address asks Redis alone: it would answer for a deleted user, too.
    response = await client.get(SESSIONS, headers={"Cookie": f"session={cookie}"})
    assert response.status in (200, 401), await response.text()
    return response.status == 200


async def stored(database: Database) -> list[RowMapping]:
    """Return all rows of users."""
    async with database.reading() as session:
        return list((await session.execute(select(User.__table__))).mappings())
