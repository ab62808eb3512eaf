"""What can go wrong around picnics; the docstrings are shown to clients."""

from kit.errors import Conflict, Invalid, NotFound, Unavailable


class CityNotFound(NotFound):
    """There is no such city here; POST /cities adds one."""


class UnknownCity(Invalid):
    """The weather service knows no city of this name."""


class WeatherUnavailable(Unavailable):
    """The weather service cannot be asked at this moment whether there is such a city."""


class PicnicNotFound(NotFound):
    """There is no such picnic."""


class PicnicOver(Conflict):
    """The picnic has begun or is over: nobody can join or leave it any more."""


class AlreadyRegistered(Conflict):
    """You are registered for this picnic already."""


class RegistrationNotFound(NotFound):
    """You are not registered for this picnic."""
