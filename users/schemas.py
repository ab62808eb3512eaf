"""What enters and leaves the users domain."""

from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from kit.queries import PageQuery, QueryFlag, QueryIds, QueryNumber
from kit.schemas import Day, Instant, Schema, Text
from users.entities import OLDEST, USERNAME, age_on

MOST_CARDS = 100


def _credible_birthday(value: date) -> None:
    today = datetime.now(UTC).date()
    if value > today:
        raise ValidationError("Must not be in the future.")
    if (age_on(today, value) or 0) > OLDEST:
        raise ValidationError(f"Must not be more than {OLDEST} years ago.")


def _email(**kwargs: Any) -> Text:
    """Take ASCII only: letters of other alphabets have no one lower case in which to compare.

    Nor what mails would take for an encoded word (RFC 2047), which may stand for anything.
    """
    plain = validate.Regexp(r"(?!.*=\?)[!-~]+\Z", error="Not a valid email address.")
    return Text(most=254, extra=validate.And(plain, validate.Email()), **kwargs)


def _username(**kwargs: Any) -> Text:
    charset = validate.Regexp(f"{USERNAME}\\Z", error="Use 3 to 32 of A-Z a-z 0-9 _ . -")
    return Text(most=32, extra=charset, **kwargs)


class UserChange(Schema):
    """Change any of one's own fields."""

    email = _email()
    first_name = Text(least=1, most=100, blank=False)
    second_name = Text(least=1, most=100, blank=False)
    birthday = Day(allow_none=True, validate=_credible_birthday)


class SignUp(Schema):
    """Register a new user."""

    username = _username(required=True)
    email = _email(required=True)
    password = Text(least=8, most=128, required=True)
    first_name = Text(least=1, most=100, blank=False, required=True)
    second_name = Text(least=1, most=100, blank=False, required=True)
    birthday = Day(allow_none=True, load_default=None, validate=_credible_birthday)


class LoginIn(Schema):
    """Sign in with a username or an e-mail address; an over-long password is just a wrong one."""

    login = Text(least=1, most=254, required=True)
    password = Text(least=1, most=64 * 1024, required=True)


class PasswordChange(Schema):
    """Replace the password."""

    current_password = Text(least=1, most=128, required=True)
    new_password = Text(least=8, most=128, required=True)


class UserOut(Schema):
    """Show what everybody may see of a user."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    first_name = fields.String(required=True)
    second_name = fields.String(required=True)
    birthday = Day(required=True, allow_none=True)
    age = fields.Function(lambda row: age_on(datetime.now(UTC).date(), row["birthday"]))
    created_at = Instant(required=True)


class OwnUserOut(UserOut):
    """Show a user to that user."""

    email = fields.String(required=True)
    is_staff = fields.Boolean(required=True)
    updated_at = Instant(required=True)


class UsersQuery(PageQuery):
    """Choose users: part of a username or name in any case, and how old they are today."""

    q = Text(most=100)
    min_age = QueryNumber(0, OLDEST)
    max_age = QueryNumber(0, OLDEST)

    @validates_schema(skip_on_field_errors=True)
    def refuse_nobody(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse bounds that nobody can fit between."""
        if data.get("min_age", 0) > data.get("max_age", OLDEST):
            raise ValidationError("Must not be less than min_age.", "max_age")


class StaffQuery(PageQuery):
    """Choose the living users, or the deleted ones."""

    deleted = QueryFlag(load_default=False)


class CardsQuery(Schema):
    """Name users by their ids."""

    ids = QueryIds(MOST_CARDS, required=True)


class CardsOut(Schema):
    """List users in the order in which they were named; missing ones are left out."""

    items = fields.List(fields.Nested(UserOut), required=True)


class SessionOut(Schema):
    """Show one of the own sessions; `id` is not the cookie's value."""

    id = fields.String(required=True)
    created_at = Instant(required=True)
    last_seen_at = Instant(required=True)
    ip = fields.String(required=True)
    user_agent = fields.String(required=True)
    current = fields.Boolean(required=True)


class SessionsOut(Schema):
    """List all own sessions, the newest first."""

    items = fields.List(fields.Nested(SessionOut), required=True)
