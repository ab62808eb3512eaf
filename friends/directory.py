"""What this domain needs to know of users, and how it asks a users service for that."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import orjson
from aiohttp import ClientError, ClientSession, hdrs, web
from marshmallow import EXCLUDE, ValidationError, fields
from yarl import URL

from friends.errors import UserNotFound, UsersUnavailable
from kit import health, services
from kit.client import body_of, create_client
from kit.log import bound_request_id, logger
from kit.schemas import Day, Id, Instant, Schema, about
from kit.settings import Settings, SettingsError

LIMIT = 1.2  # seconds for all that one question takes, waiting for a connection included
CONNECT_LIMIT = 0.5  # seconds
AT_ONCE = 50  # connections
LARGEST_ANSWER = 256 * 1024  # bytes; a hundred cards with the longest names fit
MOST_IDS = 100  # of one question, by the users service's contract

Card = Mapping[str, Any]  # what everybody may see of a user


class CardOut(Schema):
    """Show what everybody may see of a user."""

    id = Id(required=True, **about("Which user.", 17))
    username = fields.String(
        required=True, **about("The name to sign in with; unique in any case.", "emma.mann")
    )
    first_name = fields.String(required=True, **about("The first name.", "Emma"))
    second_name = fields.String(required=True, **about("The family name.", "Mann"))
    birthday = Day(
        required=True,
        allow_none=True,
        **about("The day of birth; null when it is not told.", "2002-10-21"),
    )
    age = fields.Integer(
        required=True,
        allow_none=True,
        strict=True,
        **about("Years since the birthday, computed today (UTC); null without one.", 24),
    )
    created_at = Instant(
        required=True, **about("When the user registered.", "2027-03-01T09:30:00Z")
    )


class Directory(Protocol):
    """Know who lives; what is deleted was never there."""

    async def exists(self, user_id: int) -> bool:
        """Tell whether there is such a user.

        Raises:
            UsersUnavailable: nobody can tell.
        """

    async def cards(self, ids: Sequence[int]) -> Mapping[int, Card]:
        """Return the cards of those who exist among any number of users, by id.

        Raises:
            UsersUnavailable: nobody can tell.
        """


DIRECTORY = web.AppKey[Directory]("DIRECTORY")


class HttpDirectory:
    """Ask a users service; only a clear answer of its own counts."""

    def __init__(self, client: ClientSession, url: str, token: str) -> None:
        self._client = client
        self._users = URL(url) / "api" / "v1" / "users"
        self._headers: dict[str, str] = {
            hdrs.AUTHORIZATION: f"{services.SCHEME} {token}",
            hdrs.ACCEPT_ENCODING: "identity",
        }

    async def exists(self, user_id: int) -> bool:
        """Tell whether there is such a user."""
        async with _clearly():
            status, body = await self._ask(self._users / str(user_id) / "exists")
            if status == 404 and orjson.loads(body)["code"] == UserNotFound.code:
                return False
            if status == 204:
                return True
        raise _unclear(status)

    async def cards(self, ids: Sequence[int]) -> Mapping[int, Card]:
        """Return the cards of those who exist, by id."""
        found: dict[int, Card] = {}
        async with _clearly():
            for start in range(0, len(ids), MOST_IDS):
                some = ids[start : start + MOST_IDS]
                url = (self._users / "cards").with_query(ids=",".join(map(str, some)))
                status, body = await self._ask(url)
                if status != 200:
                    raise _unclear(status)
                cards = CardOut(many=True, unknown=EXCLUDE).load(orjson.loads(body)["items"])
                for card in cards:
                    if card["id"] in some:
                        found[card["id"]] = card
        return found

    async def ping(self, _: web.Request) -> None:
        """Look whether the service answers us, for the probes: any user will do."""
        await self.exists(1)

    async def _ask(self, url: URL) -> tuple[int, bytes]:
        """Return status and body of an answer that is not too long."""
        headers = {**self._headers, "X-Request-ID": bound_request_id() or ""}
        async with self._client.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await body_of(response, LARGEST_ANSWER)


def _unclear(status: int) -> UsersUnavailable:
    """Note an answer that says nothing."""
    why = "it has another SERVICE_TOKEN" if status == 401 else "USERS_SERVICE_URL may be wrong"
    logger.warning("users service answers oddly", status=status, perhaps=why)
    return UsersUnavailable()


@asynccontextmanager
async def _clearly() -> AsyncIterator[None]:
    """Take whatever is no clear answer, in time, as none."""
    try:
        async with asyncio.timeout(LIMIT):
            yield
    except (ClientError, OSError, ValueError, TypeError, LookupError, ValidationError) as error:
        raise UsersUnavailable from error


def address_of(settings: Settings) -> tuple[str, str]:
    """Return where the users service is and what to show there.

    Raises:
        SettingsError: one of them is missing.
    """
    if not settings.users_service_url:
        raise SettingsError("USERS_SERVICE_URL is missing: say where the users service is.")
    if not settings.service_token:
        raise SettingsError("SERVICE_TOKEN is missing: set the same one as at the users service.")
    return settings.users_service_url, settings.service_token


async def directory_context(app: web.Application, *, settings: Settings) -> AsyncIterator[None]:
    """Keep one client of the users service while the application runs."""
    client = create_client(limit=LIMIT, connect_limit=CONNECT_LIMIT, at_once=AT_ONCE)
    async with client:
        app[DIRECTORY] = asking = HttpDirectory(client, *address_of(settings))
        app[health.PROBES]["users"] = asking.ping
        yield
