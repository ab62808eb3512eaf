"""The one place where a failure becomes bytes: problem documents (RFC 9457)."""

import re
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from kit import errors, faults
from kit.errors import Failure
from kit.log import logger
from kit.settings import SERVICE

STATUSES: dict[type[Failure], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Forbidden: 403,
    errors.Unauthorized: 401,
    errors.Invalid: 422,
    errors.Unavailable: 503,
    errors.Exhausted: 429,
    faults.MethodNotAllowed: 405,
    faults.MalformedJson: 400,
    faults.MalformedRequest: 400,
    faults.UnsupportedMediaType: 415,
    faults.PayloadTooLarge: 413,
    faults.RequestTimeout: 408,
    faults.ExpectationFailed: 417,
    faults.ClientGone: 499,
    faults.InternalError: 500,
    faults.BadGateway: 502,  # these two are said by what stands in front, see deploy/
    faults.GatewayTimeout: 504,
}
CLOSING = {408, 413}  # the rest of the body is not worth waiting for


def status_of(noun: type[Failure]) -> int:
    """Return the HTTP status of a failure: that of its kind."""
    return next(STATUSES[kind] for kind in noun.__mro__ if kind in STATUSES)


def title_of(noun: type[Failure]) -> str:
    """Return the failure's name in words: `OutOfStock` is "Out of stock"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", noun.__name__).capitalize()


def problem(request: web.BaseRequest, failure: Failure) -> web.Response:
    """Build the answer that tells a client of the failure."""
    status = status_of(type(failure))
    document: dict[str, Any] = {
        "type": f"/problems/{failure.code}",
        "title": title_of(type(failure)),
        "status": status,
        "detail": failure.detail,
        "instance": request.rel_url.raw_path,
        "code": failure.code,
        "request_id": request.get("request_id"),
    }
    if failure.errors:
        document["errors"] = failure.errors
    response = web.Response(
        status=status,
        body=orjson.dumps(document),
        content_type="application/problem+json",
        headers=_headers(failure, status),
    )
    if status in CLOSING:
        response.force_close()
    return response


def _headers(failure: Failure, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(failure, faults.MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(failure.allowed))
    if failure.retry_after is not None:
        headers["Retry-After"] = str(failure.retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = (
            f'Session realm="{SERVICE}"'  # RFC 9110, 11.6.1: a 401 names a scheme
        )
    return headers


@web.middleware
async def problems_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure as a problem; what nobody foresaw is logged with its traceback."""
    try:
        return await handler(request)
    except Exception as error:
        failure = faults.failure_of(error)
        if isinstance(failure, faults.InternalError):
            logger.exception("unexpected error")
        elif isinstance(failure, errors.Unavailable):
            logger.warning("unavailable", code=failure.code, cause=type(error).__name__)
        return problem(request, failure)


def meaning_of(noun: type[Failure]) -> dict[str, Any]:
    """Explain a code."""
    return {
        "code": noun.code,
        "title": title_of(noun),
        "status": status_of(noun),
        "meaning": noun.explanation(),
        "advice": noun.advice,
    }
