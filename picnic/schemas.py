"""What enters and leaves the picnic domain."""

from datetime import UTC, datetime

from marshmallow import ValidationError, fields

from kit.queries import PageQuery, QueryFlag, QueryId, QueryInstant
from kit.schemas import Id, Instant, Schema, Text, about
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

    name = Text(
        least=1,
        most=LONGEST_NAME,
        blank=False,
        extra=_plain,
        required=True,
        **about("The name of a city, in any case.", "london"),
    )


class CitiesQuery(PageQuery):
    """Search cities by part of the name, in any case."""

    q = Text(
        most=LONGEST_NAME,
        load_default="",
        **about("Part of the name, in any case and alphabet; `%` and `_` are letters.", "lon"),
    )


class WeatherOut(Schema):
    """Show how warm it is, in degrees Celsius, and when that was observed."""

    temperature = fields.Float(required=True, **about("Degrees Celsius.", 11.4))
    observed_at = Instant(required=True, **about("When it was observed.", "2027-03-01T09:30:00Z"))


class CityOut(Schema):
    """Show a city; `weather` is null when nobody knows."""

    id = fields.Integer(required=True, **about("Which city.", 7))
    name = fields.String(
        required=True, **about("Its name, as the weather service spells it.", "London")
    )
    country = fields.String(
        required=True,
        allow_none=True,
        **about("Its country; null when it lies in none.", "United Kingdom"),
    )
    latitude = fields.Float(
        required=True, **about("Degrees north of the equator, -90 to 90.", 51.51)
    )
    longitude = fields.Float(
        required=True, **about("Degrees east of Greenwich, -180 to 180.", -0.13)
    )
    weather = fields.Nested(
        WeatherOut,
        required=True,
        allow_none=True,
        **about("The weather there; null when nobody knows."),
    )


class PicnicIn(Schema):
    """Plan a picnic: in which city, and when, with the offset of that time."""

    city_id = Id(required=True, **about("In which city.", 7))
    time = Instant(
        required=True,
        validate=_to_come,
        **about("When, in the future and with an offset.", "2027-05-01T12:00:00+03:00"),
    )


class PicnicsQuery(PageQuery):
    """Choose picnics; without `past` only those from now on."""

    moment = QueryInstant(
        data_key="datetime",
        load_default=None,
        **about("Exactly at this moment, in any offset.", "2027-05-01T12:00:00+03:00"),
    )
    past = QueryFlag(load_default=True, **about("`false` leaves out what has begun.", False))
    city_id = QueryId(load_default=None, **about("Only in this city.", 7))


class PicnicCityOut(Schema):
    """Show where a picnic is."""

    id = fields.Integer(required=True, **about("Which city.", 7))
    name = fields.String(required=True, **about("Its name.", "London"))


class PicnicOut(Schema):
    """Show a picnic and the first 20 who come; who has left is counted, and not shown."""

    id = fields.Integer(required=True, **about("Which picnic.", 101))
    time = Instant(required=True, **about("When it begins.", "2027-05-01T09:00:00Z"))
    city = fields.Nested(PicnicCityOut, required=True, **about("Where it is."))
    creator_id = fields.Integer(required=True, **about("Who planned it.", 1))
    participants_total = fields.Integer(required=True, **about("How many have registered.", 1))
    participants = fields.List(
        fields.Nested(CardOut),
        required=True,
        **about("The first 20 of them, in the order of registration."),
    )


class RegistrationIn(Schema):
    """Register for a picnic; the user can only be oneself."""

    user_id = Id(load_default=None, **about("Who comes: only oneself.", 1))


class RegistrationOut(Schema):
    """Show a registration."""

    id = fields.Integer(required=True, **about("Which registration.", 1518))
    user_id = fields.Integer(required=True, **about("Who comes.", 1))
    picnic_id = fields.Integer(required=True, **about("To which picnic.", 101))
    created_at = Instant(required=True, **about("When it was made.", "2027-03-01T09:30:00Z"))
