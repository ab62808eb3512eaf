"""Pages of lists: numbered ones, and cursors that cost the same however deep they go."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVarTuple

import orjson
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from yarl import URL

from kit.db import LARGEST_ID
from kit.errors import ValidationFailed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACE = re.compile(r"(\d{1,17})-(\d{1,19})", re.ASCII)  # microseconds, id

Ts = TypeVarTuple("Ts")

Row = Mapping[Any, Any]  # one row of a result: column -> value


@dataclass(frozen=True, slots=True)
class Place:
    """Name the last row of a page in an order by `created_at, id`."""

    created_at: datetime
    id: int

    def cursor(self) -> str:
        """Write the place as text that clients pass back untouched."""
        micros = (self.created_at - EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(f"{micros}-{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def of(cls, cursor: str) -> "Place":
        """Read a place from a cursor.

        Raises:
            ValidationFailed: this service did not write it.
        """
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            found = PLACE.fullmatch(text)
            micros, row_id = map(int, found.groups() if found else ())
            place = cls(EPOCH + timedelta(microseconds=micros), row_id)
        except (ValueError, OverflowError):
            raise _not_ours() from None
        if place.id > LARGEST_ID or place.cursor() != cursor:  # base64 skips foreign characters
            raise _not_ours()
        return place


def _not_ours() -> ValidationFailed:
    complaint = {"parameter": "cursor", "message": "Not a cursor of this list."}
    return ValidationFailed(errors=[complaint])


def newest_first(
    statement: Select[*Ts],
    created_at: InstrumentedAttribute[datetime],
    row_id: InstrumentedAttribute[int],
    start: Place | int,
) -> Select[*Ts]:
    """Order a list by `created_at, id`, newest first, from an offset on or behind a place."""
    ordered = statement.order_by(created_at.desc(), row_id.desc())
    if isinstance(start, int):
        return ordered.offset(start)
    return ordered.where(tuple_(created_at, row_id) < tuple_(start.created_at, start.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Hold rows that leave as they are: a dump through schemas costs many times as much."""

    items: Sequence[Row]

    def envelope(self) -> dict[str, Any]:
        """Return the document around the rows."""
        return {"items": self.items}

    def to_json(self) -> bytes:
        """Write the document."""
        return orjson.dumps(self.envelope(), default=_plain, option=orjson.OPT_UTC_Z)

    def links(self, _: URL) -> str:
        """Return the value of the `Link` header (RFC 8288), "" for none."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Rows):
    """Hold one page of rows; `page` and `total` are None behind a cursor."""

    size: int
    page: int | None = None
    total: int | None = None
    next_cursor: str | None = None
    by_cursor: bool = False

    @property
    def pages(self) -> int | None:
        """Count the pages of the whole list."""
        return None if self.total is None else -(-self.total // self.size)

    @classmethod
    def newest_first(
        cls, found: Sequence[Row], size: int, *, page: int | None, total: int | None
    ) -> "Page":
        """Build a page of a list by `created_at, id` from up to `size` + 1 rows.

        page, total: None behind a cursor.
        """
        rows = found[:size]
        last = Place(rows[-1]["created_at"], rows[-1]["id"]) if len(found) > size else None
        cursor = last.cursor() if last else None
        return cls(
            items=rows, page=page, size=size, total=total, next_cursor=cursor, by_cursor=True
        )

    def envelope(self) -> dict[str, Any]:
        """Return the document around the rows."""
        envelope: dict[str, Any] = {
            "items": self.items,
            "page": self.page,
            "size": self.size,
            "total": self.total,
            "pages": self.pages,
        }
        if self.by_cursor:
            envelope["next_cursor"] = self.next_cursor
        return envelope

    def links(self, url: URL) -> str:
        """Return the value of the `Link` header (RFC 8288), "" for none."""
        targets: dict[str, dict[str, Any]] = {}
        if self.page is not None and self.pages is not None:
            numbers = {
                "first": 1,
                "prev": self.page - 1,
                "next": self.page + 1,
                "last": max(self.pages, 1),
            }
            fitting = {
                rel: n
                for rel, n in numbers.items()
                if rel in ("first", "last") or 1 <= n <= self.pages
            }
            targets = {rel: {"page": n} for rel, n in fitting.items()}
        elif self.next_cursor:
            targets["next"] = {"cursor": self.next_cursor}
        return ", ".join(
            f'<{url.update_query(target)}>; rel="{rel}"' for rel, target in targets.items()
        )


def _plain(value: object) -> object:
    """Show what orjson does not know: amounts as strings, rows as objects."""
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
