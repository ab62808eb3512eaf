"""What enters and leaves the applications domain."""

from marshmallow import fields

from applications.entities import LONGEST_DESCRIPTION, LONGEST_NAME
from kit.queries import CursorQuery
from kit.schemas import Instant, Schema, Text


class ApplicationIn(Schema):
    """Send in an application."""

    user_name = Text(least=1, most=LONGEST_NAME, blank=False, required=True)
    description = Text(least=1, most=LONGEST_DESCRIPTION, blank=False, required=True)


class ApplicationsQuery(CursorQuery):
    """Choose applications, all or those of one name, spelled exactly so."""

    user_name = Text(least=1, most=LONGEST_NAME)


class ApplicationOut(Schema):
    """Show an application."""

    id = fields.Integer(required=True)
    user_name = fields.String(required=True)
    description = fields.String(required=True)
    created_at = Instant(required=True)
