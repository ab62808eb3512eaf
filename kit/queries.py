"""What may stand in a query: numbers, ids, flags, and which page of a list is wanted."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import marshmallow
from marshmallow import ValidationError, fields, validate

from kit.db import LARGEST_ID
from kit.schemas import Instant, Schema, Text, about

LARGEST_PAGE = 2**53 - 1  # the largest integer that every JSON reader keeps exactly
DIGITS = re.compile(r"[0-9]{1,19}")
LOST_PLUS = re.compile(r" ([0-9]{2}:[0-9]{2})\Z")


class QueryNumber(fields.Integer):
    """Take an integer from a query: ASCII digits only."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return self._validated(value)


class QueryId(QueryNumber):
    """Take an id from a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(1, LARGEST_ID, **kwargs)


class QueryFlag(fields.Boolean):
    """Take `true` or `false` from a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class QueryInstant(Instant):
    """Take a moment with its offset from a query, where a `+` may have become a space."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        return super()._deserialize(LOST_PLUS.sub(r"+\1", value), attr, data, **kwargs)


class QueryIds(fields.Field[list[int]]):
    """Take ids from a query, with commas between them."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[int]:
        parts = value.split(",", self.most)  # a longer list is not taken apart
        if len(parts) > self.most:
            raise ValidationError(f"Must be at most {self.most} ids.")
        if not all(DIGITS.fullmatch(part) and 0 < int(part) <= LARGEST_ID for part in parts):
            raise ValidationError("Must be ids with commas between them, such as 1,2,3.")
        return [int(part) for part in parts]


class PageQuery(Schema):
    """Choose a page of a list."""

    page = QueryNumber(1, LARGEST_PAGE, load_default=1, **about("Which page, from 1 on.", 1))
    size = QueryNumber(1, 100, load_default=20, **about("Items on a page, 1 to 100.", 20))


class CursorQuery(PageQuery):
    """Choose a page by number, or go on where the last one ended."""

    cursor = Text(
        least=1,
        most=100,
        **about("Where the page before ended: its `next_cursor`.", "MTc5NTI0OTM2MTQ0ODgyMC0xMDE"),
    )

    @marshmallow.validates_schema(pass_original=True)
    def refuse_both(self, _: Any, original: Mapping[str, Any], **__: Any) -> None:
        """Refuse a page number together with a cursor."""
        if "cursor" in original and "page" in original:
            raise ValidationError("Give a page or a cursor, not both.", "cursor")
