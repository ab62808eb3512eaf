"""Translate whatever was raised into a failure that a client may be told."""

import errno
import socket

import asyncpg
from aiohttp import web
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from kit.errors import Failure, Invalid, NotFound, Unavailable

RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock
AWAY = ("08", "28", "53", "57")  # connection, authorisation, resources, intervention
BUSY = {"55P03", "25P03"}  # lock not available, idle in transaction
UNFIT = "22"  # data that PostgreSQL cannot take

# what the system says when a network, a host or an interface is gone
NO_WAY = {errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN}


class MethodNotAllowed(Failure):
    """This address exists, but not for this method; `Allow` names the ones that work."""

    advice = "Use one of the methods that `Allow` names."

    def __init__(self, method: str, allowed: set[str]) -> None:
        super().__init__(f"{method} does not work here.")
        self.allowed = allowed


class MalformedJson(Failure):
    """The body is not one JSON document: broken, keys repeated, too deep or numbers too long."""


class MalformedRequest(Failure):
    """What arrived is not an HTTP request that can be read."""


class UnsupportedMediaType(Failure):
    """A body must be `application/json` in UTF-8, without a content encoding."""


class PayloadTooLarge(Failure):
    """The body is larger than this service takes."""


class ClientGone(Failure):
    """The client went away before its body had arrived; nobody reads this."""


class RequestTimeout(Failure):
    """The body did not arrive in time."""

    advice = "Send the body without pauses, all of it within ten seconds."


class ExpectationFailed(Failure):
    """The only expectation that can be met is `100-continue`."""


class InternalError(Failure):
    """Something went wrong on our side; the request id helps us to find it."""

    advice = "Try again later; when it stays, tell us the `request_id`."


class BadGateway(Failure):
    """No server of this service can be reached at this moment; try again soon."""

    advice = "Wait as many seconds as `Retry-After` says, then send the same request again."
    retry_after = 2


class GatewayTimeout(Failure):
    """No server of this service answered in time; it is not known what became of the request."""

    advice = "Look whether the change was made, or send it again under the same `Idempotency-Key`."
    retry_after = 2


class DatabaseUnavailable(Unavailable):
    """The database does not answer at this moment; try again soon."""


class SessionsUnavailable(Unavailable):
    """The store of sessions does not answer at this moment; try again soon."""


class UnstorableValue(Invalid):
    """The database cannot hold one of the values."""


def is_no_way(error: OSError) -> bool:
    """Tell whether there is no way to a server, rather than a defect of ours."""
    return isinstance(error, ConnectionError | TimeoutError | socket.gaierror) or (
        error.errno in NO_WAY
    )


def failure_of(error: Exception) -> Failure:
    """Return what a client may be told of `error`; InternalError when it is a defect."""
    match error:
        case Failure():
            return error
        case web.HTTPException():
            return _of_http(error)
        case RedisError():
            return SessionsUnavailable()
        case (
            PoolTimeoutError() | DBAPIError() | asyncpg.PostgresError() | asyncpg.InterfaceError()
        ):
            return _of_database(error)
        case OSError() if is_no_way(error):
            return DatabaseUnavailable()
        case _:
            return InternalError()


def sqlstate(error: Exception) -> str:
    """Return the five characters by which PostgreSQL names the error, "" when there are none."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


def _of_http(error: web.HTTPException) -> Failure:
    match error:
        case web.HTTPMethodNotAllowed():
            return MethodNotAllowed(error.method, error.allowed_methods)
        case web.HTTPNotFound():
            return NotFound()
        case web.HTTPRequestEntityTooLarge():
            return PayloadTooLarge()
        case _:
            return InternalError()


def _of_database(error: Exception) -> Failure:
    state = sqlstate(error)
    if isinstance(error, PoolTimeoutError) or state.startswith(AWAY) or state in RETRYABLE | BUSY:
        return DatabaseUnavailable()
    if isinstance(error, asyncpg.InterfaceError) or getattr(
        error, "connection_invalidated", False
    ):
        return DatabaseUnavailable()
    if state.startswith(UNFIT):
        return UnstorableValue()
    return InternalError()
