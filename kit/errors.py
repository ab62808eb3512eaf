"""Kinds of failure, without HTTP: a domain raises a noun of one of these kinds."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar


class Failure(Exception):
    """Something that a client can be told, in its own words."""

    code: ClassVar[str] = "failure"
    advice: ClassVar[str] = "Look at `detail` and `errors`, change the request, and send it again."
    retry_after: int | None = None  # seconds after which it is worth trying again

    def __init_subclass__(cls) -> None:
        """Name the public code after the class: `OutOfStock` is `out-of-stock`."""
        cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(
        self,
        detail: str | None = None,
        errors: Sequence[dict[str, Any]] = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.explanation())
        self.detail = str(self)
        self.errors = list(errors)
        if retry_after is not None:
            self.retry_after = retry_after

    @classmethod
    def explanation(cls) -> str:
        """Return the public explanation: the class's own docstring."""
        return " ".join((cls.__doc__ or "").split())


class Away(Exception):
    """Something that a loop of ours depends on is away; the text says how that showed."""


class NotFound(Failure):
    """There is nothing here under this address."""

    advice = "Look at the address, and whether what it names is still there."


class Conflict(Failure):
    """The request contradicts the present state."""

    advice = "Look at how things stand now, and decide anew; the same request will fail again."


class Forbidden(Failure):
    """You are known, and you may not do this."""

    advice = "Sign in as somebody who may, or leave it."


class Unauthorized(Failure):
    """This needs a signed-in user."""

    advice = "Sign in with POST /api/v1/auth/login, and send the cookie along."


class Invalid(Failure):
    """What was sent does not fit what is expected."""


class Unavailable(Failure):
    """Something that this service depends on does not answer; try again soon."""

    advice = "Wait as many seconds as `Retry-After` says, then send the same request again."

    retry_after = 2  # what is away is usually back by then


class Exhausted(Failure):
    """More was asked for than is allowed in this time; `Retry-After` says when to go on."""

    advice = "Wait as many seconds as `Retry-After` says; calling more often will not help."

    retry_after = 60


class NotSignedIn(Unauthorized):
    """This needs a session: sign in first."""


class StaffOnly(Forbidden):
    """Only staff may do this."""


class NotYourself(Forbidden):
    """This can be done only for oneself, not for somebody else."""

    advice = "Leave out whose it is, or name yourself."


class ValidationFailed(Invalid):
    """Some fields or parameters do not fit; `errors` names each of them."""


def nouns(kind: type[Failure] = Failure) -> Iterator[type[Failure]]:
    """Yield each class of failure that has been defined below `kind`."""
    for noun in kind.__subclasses__():
        yield noun
        yield from nouns(noun)
