"""What enters and leaves the users domain."""

from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from kit.queries import PageQuery, QueryFlag, QueryIds, QueryNumber
from kit.schemas import Day, Instant, Schema, Text, about
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
    told = about("The e-mail address, ASCII; unique in any case.", "emma@example.org")
    return Text(most=254, extra=validate.And(plain, validate.Email()), **told, **kwargs)


def _username(**kwargs: Any) -> Text:
    charset = validate.Regexp(f"{USERNAME}\\Z", error="Use 3 to 32 of A-Z a-z 0-9 _ . -")
    told = about("The name to sign in with: 3 to 32 of `A-Z a-z 0-9 _ . -`, in any case.", "emma")
    return Text(most=32, extra=charset, **told, **kwargs)


def _first_name(**kwargs: Any) -> Text:
    return Text(least=1, most=100, blank=False, **about("The first name.", "Emma"), **kwargs)


def _second_name(**kwargs: Any) -> Text:
    return Text(least=1, most=100, blank=False, **about("The family name.", "Mann"), **kwargs)


def _birthday(**kwargs: Any) -> Day:
    told = about("The day of birth, not in the future; null for none.", "2002-10-21")
    return Day(allow_none=True, validate=_credible_birthday, **told, **kwargs)


def _new_password() -> Text:
    told = about("8 to 128 characters of any kind, kept as typed.", "correct horse battery")
    return Text(least=8, most=128, required=True, **told)


class UserChange(Schema):
    """Change any of one's own fields."""

    email = _email()
    first_name = _first_name()
    second_name = _second_name()
    birthday = _birthday()


class SignUp(Schema):
    """Register a new user."""

    username = _username(required=True)
    email = _email(required=True)
    password = _new_password()
    first_name = _first_name(required=True)
    second_name = _second_name(required=True)
    birthday = _birthday(load_default=None)


class LoginIn(Schema):
    """Sign in with a username or an e-mail address; an over-long password is just a wrong one."""

    login = Text(
        least=1,
        most=254,
        required=True,
        **about("The username or the e-mail address, in any case.", "demo"),
    )
    password = Text(least=1, most=64 * 1024, required=True, **about("The password.", "skytrack"))


class PasswordChange(Schema):
    """Replace the password."""

    current_password = Text(
        least=1, most=128, required=True, **about("The password until now.", "skytrack")
    )
    new_password = _new_password()


class Age(fields.Integer):
    """Show how old somebody is today."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> int | None:
        """Return the years since the birthday, None without one."""
        return age_on(datetime.now(UTC).date(), obj["birthday"])


class UserOut(Schema):
    """Show what everybody may see of a user."""

    id = fields.Integer(required=True, **about("Which user.", 17))
    username = fields.String(
        required=True, **about("The name to sign in with; unique in any case.", "emma.mann")
    )
    first_name = fields.String(required=True, **about("The first name.", "Emma"))
    second_name = fields.String(required=True, **about("The family name.", "Mann"))
    birthday = Day(required=True, allow_none=True, **about("The birthday, or null.", "2002-10-21"))
    age = Age(required=True, allow_none=True, **about("Years since the birthday (UTC).", 24))
    created_at = Instant(required=True, **about("When it registered.", "2027-03-01T09:30:00Z"))


class OwnUserOut(UserOut):
    """Show a user to that user."""

    email = fields.String(
        required=True,
        **about("The e-mail address; only oneself and staff see it.", "emma@example.org"),
    )
    is_staff = fields.Boolean(
        required=True, **about("Whether the user may do what only staff may.", False)
    )
    updated_at = Instant(
        required=True, **about("When the user last changed.", "2027-03-01T09:30:00Z")
    )


class UsersQuery(PageQuery):
    """Choose users: part of a username or name in any case, and how old they are today."""

    q = Text(most=100, **about("Part of the username or of a name, in any case.", "emma"))
    min_age = QueryNumber(0, OLDEST, **about("At least so many years old.", 20))
    max_age = QueryNumber(0, OLDEST, **about("At most so many years old.", 25))

    @validates_schema(skip_on_field_errors=True)
    def refuse_nobody(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse bounds that nobody can fit between."""
        if data.get("min_age", 0) > data.get("max_age", OLDEST):
            raise ValidationError("Must not be less than min_age.", "max_age")


class StaffQuery(PageQuery):
    """Choose the living users, or the deleted ones."""

    deleted = QueryFlag(
        load_default=False,
        **about("`true` lists the deleted users, `false` the living ones.", False),
    )


class CardsQuery(Schema):
    """Name users by their ids."""

    ids = QueryIds(
        MOST_CARDS, required=True, **about("Up to 100 ids with commas between them.", "1,2,3")
    )


class CardsOut(Schema):
    """List users in the order in which they were named; missing ones are left out."""

    items = fields.List(
        fields.Nested(UserOut),
        required=True,
        **about("The users in the order in which they were named."),
    )


class SessionOut(Schema):
    """Show one of the own sessions; `id` is not the cookie's value."""

    id = fields.String(
        required=True,
        **about("Which session; this is not the cookie's value.", "Zk3vQ0sW8yq1XnT5"),
    )
    created_at = Instant(required=True, **about("When it began.", "2027-03-01T09:30:00Z"))
    last_seen_at = Instant(
        required=True, **about("When it was last used, to the minute.", "2027-03-01T09:30:00Z")
    )
    ip = fields.String(required=True, **about("The address that it began from.", "203.0.113.7"))
    user_agent = fields.String(
        required=True, **about("The program that it began with.", "Mozilla/5.0")
    )
    current = fields.Boolean(required=True, **about("Whether this request belongs to it.", True))


class SessionsOut(Schema):
    """List all own sessions, the newest first."""

    items = fields.List(
        fields.Nested(SessionOut), required=True, **about("The sessions, the newest first.")
    )
