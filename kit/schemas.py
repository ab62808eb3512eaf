"""What every schema of the house has in common: strict fields, pages, problems."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import marshmallow
from marshmallow import ValidationError, fields, validate

from kit.db import LARGEST_ID

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"  # the seconds may be left out, which RFC 3339 does not allow
)
AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")


class Schema(marshmallow.Schema):
    """Refuse unknown fields and keep the declared order."""

    class Meta:
        """Say it once for all schemas."""

        unknown = marshmallow.RAISE


def about(description: str, *examples: Any) -> dict[str, Any]:
    """Return what the document of the API says of a field, as an argument of the field."""
    told: dict[str, Any] = {"description": description}
    return {"metadata": told | ({"examples": list(examples)} if examples else {})}


class Text(fields.String):
    """Take text that PostgreSQL can store: no NUL, no half of a surrogate pair."""

    def __init__(
        self,
        *,
        least: int = 0,
        most: int,
        blank: bool = True,
        extra: Callable[[str], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """least, most: characters; blank: is white space enough; extra: a further check."""
        checks: list[Callable[[str], Any]] = [validate.Length(least, most)]
        checks += [extra] if extra else []
        super().__init__(validate=checks, **kwargs)
        self.blank = blank

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError("Holds a character that cannot be stored.")
        if not self.blank and not any(c.isprintable() and not c.isspace() for c in text):
            raise ValidationError("Must not be blank.")
        return text


class Number(fields.Integer):
    """Take a JSON integer, not something that could be made into one."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **kwargs)


class Id(Number):
    """Take an id: 1..2^63-1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(1, LARGEST_ID, **kwargs)


class Items(fields.List[Any]):
    """Take a list of bounded length; the length is checked before a single item is loaded."""

    def __init__(self, item: Any, *, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(item, **kwargs)
        self.length = validate.Length(least, most)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        if isinstance(value, list):
            self.length(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Day(fields.Date):
    """Take and show a date as YYYY-MM-DD."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        if not isinstance(value, str) or not ISO_DATE.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)


class Instant(fields.AwareDateTime):
    """Take a moment with its offset; show it as RFC 3339 in UTC with `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        complaint = "Must be a moment with its offset, such as 2027-05-01T12:00:00+03:00."
        messages: dict[str, Any] = dict.fromkeys(("invalid", "invalid_awareness"), complaint)
        super().__init__(error_messages=messages, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        if not isinstance(value, str) or not RFC3339.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        moment: datetime = super()._deserialize(value.upper(), attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return show_instant(value) if isinstance(value, datetime) else None


class Money(fields.Decimal):
    """Take and show an amount as a decimal string with two places at most."""

    def __init__(self, *, digits: int = 10, **kwargs: Any) -> None:
        """digits: before the point; sums that only leave have more."""
        super().__init__(places=2, as_string=True, **kwargs)
        self.digits = digits

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if not isinstance(value, str) or not AMOUNT.fullmatch(value):
            raise ValidationError('Must be a decimal string such as "12.50".')
        return Decimal(value)


def show_instant(value: datetime) -> str:
    """Return the moment as RFC 3339 in UTC with `Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def page_of(item: Schema, *, cursor: bool = False) -> Schema:
    """Build the schema of one page of `item`."""
    null = "; null behind a cursor" if cursor else ""
    envelope: dict[str, fields.Field[Any]] = {
        "items": fields.List(fields.Nested(item), required=True, **about("This page.")),
        "page": fields.Integer(required=True, allow_none=cursor, **about(f"Which page{null}.", 1)),
        "size": fields.Integer(required=True, **about("Items on a page.", 20)),
        "total": fields.Integer(
            required=True, allow_none=cursor, **about(f"Items in all{null}.", 1)
        ),
        "pages": fields.Integer(
            required=True, allow_none=cursor, **about(f"Pages in all{null}.", 1)
        ),
    }
    if cursor:
        told = about("What to pass as `cursor` for the next page; null on the last one.", None)
        envelope["next_cursor"] = fields.String(required=True, allow_none=True, **told)
    made = Schema.from_dict(dict(envelope), name=f"PageOf{type(item).__name__}")
    made.__module__ = type(item).__module__
    return made()  # type: ignore[return-value]
