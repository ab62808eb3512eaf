"""What this domain needs to know of users: who somebody is."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web
from marshmallow import fields

from kit.schemas import Day, Instant, Schema

Card = Mapping[str, Any]  # what everybody may see of a user


class CardOut(Schema):
    """Show what everybody may see of a user."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    first_name = fields.String(required=True)
    second_name = fields.String(required=True)
    birthday = Day(required=True, allow_none=True)
    age = fields.Integer(required=True, allow_none=True)
    created_at = Instant(required=True)


class Directory(Protocol):
    """Know who lives; what is deleted was never there."""

    async def cards(self, ids: Sequence[int]) -> Mapping[int, Card]:
        """Return the cards of those who exist among any number of users, by id."""


DIRECTORY = web.AppKey[Directory]("DIRECTORY")
