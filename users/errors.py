"""What can go wrong around users; the docstrings are shown to clients."""

from kit.errors import Conflict, Exhausted, Forbidden, NotFound, Unauthorized


class InvalidCredentials(Unauthorized):
    """The login or the password is wrong."""

    advice = "Look at the spelling, and try again; after some tries there is a pause."


class TooManyAttempts(Exhausted):
    """Too many wrong passwords came lately; `Retry-After` says when to try again."""


class WrongPassword(Forbidden):
    """The current password is not the one that was sent."""

    advice = "Type the present password again; who has forgotten it needs staff."


class UserNotFound(NotFound):
    """There is no such user."""


class SessionNotFound(NotFound):
    """There is no such session of yours."""


class UsernameTaken(Conflict):
    """Somebody has this username already, in some spelling of its case."""


class EmailTaken(Conflict):
    """Somebody has this e-mail address already, in some spelling of its case."""
