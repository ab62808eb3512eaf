"""What this domain needs to know of users: who somebody is."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web
from marshmallow import fields

from kit.schemas import Day, Instant, Schema, about

Card = Mapping[str, Any]  # what everybody may see of a user


class CardOut(Schema):
    """Show what everybody may see of a user."""

    id = fields.Integer(required=True, **about("Which user.", 17))
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
        **about("Years since the birthday, computed today (UTC); null without one.", 24),
    )
    created_at = Instant(
        required=True, **about("When the user registered.", "2027-03-01T09:30:00Z")
    )


class Directory(Protocol):
    """Know who lives; what is deleted was never there."""

    async def cards(self, ids: Sequence[int]) -> Mapping[int, Card]:
        """Return the cards of those who exist among any number of users, by id."""


DIRECTORY = web.AppKey[Directory]("DIRECTORY")
