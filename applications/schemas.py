"""What enters and leaves the applications domain."""

from marshmallow import fields

from applications.entities import LONGEST_DESCRIPTION, LONGEST_NAME
from kit.queries import CursorQuery
from kit.schemas import Instant, Schema, Text, about


class ApplicationIn(Schema):
    """Send in an application."""

    user_name = Text(
        least=1,
        most=LONGEST_NAME,
        blank=False,
        required=True,
        **about("Who applies, at most 150 characters.", "Ann"),
    )
    description = Text(
        least=1,
        most=LONGEST_DESCRIPTION,
        blank=False,
        required=True,
        **about("What for, at most 10 000 characters.", "Let me in."),
    )


class ApplicationsQuery(CursorQuery):
    """Choose applications, all or those of one name, spelled exactly so."""

    user_name = Text(
        least=1, most=LONGEST_NAME, **about("Only those of exactly this name.", "Ann")
    )


class ApplicationOut(Schema):
    """Show an application."""

    id = fields.Integer(required=True, **about("Which application.", 101))
    user_name = fields.String(
        required=True, **about("Who applies, at most 150 characters.", "Ann")
    )
    description = fields.String(
        required=True, **about("What for, at most 10 000 characters.", "Let me in.")
    )
    created_at = Instant(required=True, **about("When it arrived.", "2027-03-01T09:30:00Z"))
