"""Describe what an endpoint can answer: its own result, and every failure with its code."""

from collections.abc import Iterable, Iterator
from typing import Any

from kit import errors, faults, guards, idempotency
from kit.endpoint import Endpoint
from kit.errors import Failure
from kit.problems import status_of, title_of
from kit.rates import TooManyRequests
from kit.settings import SERVICE

PORCH = (
    *(faults.MalformedRequest, faults.ExpectationFailed, faults.PayloadTooLarge),
    *(errors.ValidationFailed, faults.InternalError, faults.DatabaseUnavailable),
)
CHANGES = (
    *(guards.CrossSiteRequest, faults.MalformedJson, faults.UnsupportedMediaType),
    *(faults.RequestTimeout, faults.UnstorableValue),
)
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which it is worth trying again.",
        "schema": {"type": "integer", "minimum": 1, "examples": [2]},
    }
}
REPLAYED = {
    idempotency.REPLAYED: {
        "description": "`true` when this is the first answer to the same key, given again.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
AFTER_THE_COUNT = ("400", "408", "409", "422", "429", "500", "503")
WHO_ARE_YOU = {
    "WWW-Authenticate": {
        "description": "How to say who one is (RFC 9110, 11.6.1).",
        "schema": {"type": "string", "examples": [f'Session realm="{SERVICE}"']},
    }
}
COOKIE = {
    "Set-Cookie": {
        "description": "The session: `HttpOnly`, `SameSite=Lax`, and `Secure` behind TLS.",
        "schema": {"type": "string", "examples": ["session=...; HttpOnly; Path=/; SameSite=Lax"]},
    }
}
LINK = {
    "Link": {
        "description": "Other pages of the list (RFC 8288).",
        "schema": {"type": "string", "examples": ['</api/v1/...?page=2>; rel="next"']},
    }
}
RATE_LIMIT = {
    f"RateLimit-{name}": {"description": text, "schema": {"type": kind, "examples": [example]}}
    for name, text, kind, example in (
        ("Limit", "Calls in a period.", "integer", 20),
        ("Remaining", "Calls that are left.", "integer", 19),
        ("Reset", "Seconds until there is one more.", "integer", 60),
        ("Policy", "Calls, and the seconds of a period.", "string", "20;w=60"),
    )
}


def failures(declared: Endpoint, method: str, path: str) -> Iterator[type[Failure]]:
    """Yield whatever can go wrong at an endpoint."""
    yield from PORCH
    yield from declared.raises
    if method not in guards.SAFE_METHODS:
        yield from CHANGES
    if "id}" in path:
        yield errors.NotFound
    if not declared.guest:
        yield from (errors.NotSignedIn, faults.SessionsUnavailable)
    if declared.staff:
        yield errors.StaffOnly
    if declared.limited:
        yield TooManyRequests
    if declared.idempotent:
        yield from (idempotency.IdempotencyKeyReused, idempotency.RequestInProgress)


def problems(nouns: Iterable[type[Failure]], declared: Endpoint) -> dict[str, Any]:
    """Describe failures by their status."""
    by_status: dict[int, list[type[Failure]]] = {}
    for noun in sorted(set(nouns), key=lambda noun: noun.code):
        by_status.setdefault(status_of(noun), []).append(noun)
    told = {str(status): _problem(found) for status, found in sorted(by_status.items())}
    for status in AFTER_THE_COUNT if declared.limited else ():
        _add(told[status], RATE_LIMIT)
    for noun in declared.raises if declared.idempotent else ():
        _add(told[str(status_of(noun))], REPLAYED)
    if "401" in told:
        _add(told["401"], WHO_ARE_YOU)
    return told


def _add(told: dict[str, Any], headers: dict[str, Any]) -> None:
    told["headers"] = told.get("headers", {}) | headers


def _problem(nouns: list[type[Failure]]) -> dict[str, Any]:
    lines = [f"- `{noun.code}`: {noun.explanation()}" for noun in nouns]
    examples = {noun.code: {"$ref": f"#/components/examples/{noun.code}"} for noun in nouns}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    told: dict[str, Any] = {
        "description": "\n".join(lines),
        "content": {"application/problem+json": content},
    }
    if any(noun.retry_after for noun in nouns):
        told["headers"] = dict(RETRY_AFTER)
    return told


def example(noun: type[Failure]) -> dict[str, Any]:
    """Return a problem as it is answered."""
    document: dict[str, Any] = {
        "type": f"/problems/{noun.code}",
        "title": title_of(noun),
        "status": status_of(noun),
        "detail": noun.explanation(),
        "instance": "/api/v1/...",
        "code": noun.code,
        "request_id": "0f3b7c9d5e1a4f6b8c2d0e9f7a6b5c4d",
    }
    if noun is errors.ValidationFailed:
        document["errors"] = [{"pointer": "/items/0/quantity", "message": "Not a valid integer."}]
    return document


def headers(declared: Endpoint, *, is_page: bool) -> dict[str, Any]:
    """Describe the headers of a result."""
    found: dict[str, Any] = {}
    if declared.location:
        schema = {"type": "string", "format": "uri-reference", "examples": ["/api/v1/..."]}
        found["Location"] = {"description": "Where the new one is.", "schema": schema}
    found |= LINK if is_page else {}
    found |= COOKIE if declared.cookie else {}
    found |= RATE_LIMIT if declared.limited else {}
    return found | (REPLAYED if declared.idempotent else {})
