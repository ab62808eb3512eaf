"""What enters and leaves the picnic domain."""

from datetime import UTC, datetime

from marshmallow import ValidationError, fields

from kit.queries import PageQuery, QueryFlag, QueryId, QueryInstant
from kit.schemas import Id, Instant, Schema, Text
from picnic.directory import CardOut
from picnic.entities import LONGEST_NAME, is_plain


def _plain(name: str) -> None:
    if not is_plain(name):
        raise ValidationError("Holds a character that no name has.")


def _to_come(moment: datetime) -> None:
    if moment <= datetime.now(UTC):
        raise ValidationError("Must be in the future.")


class CityIn(Schema):
    """Name a city; it is stored as the weather service spells it."""

    name = Text(least=1, most=LONGEST_NAME, blank=False, extra=_plain, required=True)


class CitiesQuery(PageQuery):
    """Search cities by part of the name, in any case."""

    q = Text(most=LONGEST_NAME, load_default="")


class WeatherOut(Schema):
    """Show how warm it is, in degrees Celsius, and when that was observed."""

    temperature = fields.Float(required=True)
    observed_at = Instant(required=True)


class CityOut(Schema):
    """Show a city; `weather` is null when nobody knows."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    country = fields.String(required=True, allow_none=True)
    latitude = fields.Float(required=True)
    longitude = fields.Float(required=True)
    weather = fields.Nested(WeatherOut, required=True, allow_none=True)


class PicnicIn(Schema):
    """Plan a picnic: in which city, and when, with the offset of that time."""

    city_id = Id(required=True)
    time = Instant(required=True, validate=_to_come)


class PicnicsQuery(PageQuery):
    """Choose picnics; without `past` only those from now on."""

    moment = QueryInstant(data_key="datetime", load_default=None)
    past = QueryFlag(load_default=True)
    city_id = QueryId(load_default=None)


class PicnicCityOut(Schema):
    """Show where a picnic is."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)


class PicnicOut(Schema):
    """Show a picnic and the first 20 who come; who has left is counted, and not shown."""

    id = fields.Integer(required=True)
    time = Instant(required=True)
    city = fields.Nested(PicnicCityOut, required=True)
    creator_id = fields.Integer(required=True)
    participants_total = fields.Integer(required=True)
    participants = fields.List(fields.Nested(CardOut), required=True)


class RegistrationIn(Schema):
    """Register for a picnic; the user can only be oneself."""

    user_id = Id(load_default=None)


class RegistrationOut(Schema):
    """Show a registration."""

    id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    picnic_id = fields.Integer(required=True)
    created_at = Instant(required=True)
