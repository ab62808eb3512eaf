"""What a problem document holds (RFC 9457)."""

import marshmallow
from marshmallow import fields

from kit.schemas import Schema, about


class ComplaintOut(Schema):
    """Show what is wrong with one field, or with one parameter; some say more in other members."""

    class Meta:
        """Let failures tell what they are about."""

        unknown = marshmallow.INCLUDE

    pointer = fields.String(**about("Which field (RFC 6901).", "/items/0/quantity"))
    parameter = fields.String(**about("Which parameter.", "page"))
    message = fields.String(required=True, **about("What is wrong.", "Not a valid integer."))


class ProblemOut(Schema):
    """Show a failure (RFC 9457)."""

    type = fields.String(
        required=True, **about("Where the code is explained.", "/problems/not-found")
    )
    title = fields.String(required=True, **about("The code in words.", "Not found"))
    status = fields.Integer(required=True, **about("The HTTP status.", 404))
    detail = fields.String(required=True, **about("What went wrong.", "There is nothing here."))
    instance = fields.String(
        required=True, **about("The path that was asked for.", "/api/v1/shop/books/9")
    )
    code = fields.String(required=True, **about("Which kind of failure.", "not-found"))
    request_id = fields.String(
        required=True,
        allow_none=True,
        **about("Which line of the log tells more.", "0f3b7c9d5e1a4f6b"),
    )
    errors = fields.List(
        fields.Nested(ComplaintOut),
        **about("Each field or parameter that does not fit."),
    )
