"""What is no clear answer of a provider: whether to try again, and who is to blame."""

from aiohttp import ClientConnectionError, ClientError, ConnectionTimeoutError
from marshmallow import ValidationError

ODD = (
    *(ClientError, ValidationError, RecursionError),
    *(ValueError, TypeError, LookupError, AttributeError),
)


class Outage(Exception):
    """There is no clear answer; the text says how that showed, without the address asked."""


class Glitch(Outage):
    """The next try may go well."""


class Odd(Outage):
    """This one question has no clear answer, which says nothing about others."""


def unclear(status: int) -> Outage:
    """Tell what a status means that says nothing."""
    kind = Odd if status == 400 else Glitch if status >= 500 else Outage
    return kind(f"status {status}")


def outage_of(error: Exception) -> Outage:
    """Tell what an error means, without the address that it may hold."""
    cause = type(error).__name__
    if isinstance(error, TimeoutError) and not isinstance(error, ConnectionTimeoutError):
        return Outage("no answer in time")  # nor is there any for another try
    if isinstance(error, ClientConnectionError | OSError):
        return Glitch(cause)
    return Odd(cause) if isinstance(error, ValidationError) else Outage(cause)
