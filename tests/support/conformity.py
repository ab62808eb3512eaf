"""Hold every answer of the suite against the document of the API."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from aiohttp import web
from openapi_schema_validator import OAS31Validator

import monolith
from kit.openapi import document
from tests.support.settings import make_settings

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
FORMATS = {"date-time": RFC3339, "date": DAY}

RATES = tuple(f"RateLimit-{name}" for name in ("Limit", "Remaining", "Reset", "Policy"))
MUST = ("Location", "WWW-Authenticate")  # where they are named
ONLY = (*MUST, *RATES, "Link", "Retry-After", "Idempotent-Replayed", "Set-Cookie")

Described = Mapping[str, Any]


@cache
def described() -> Described:
    """Return the document of the whole house."""
    return document(
        monolith.create_app(make_settings("postgresql://h/d", "redis://h")), "t", "0", ""
    )


@cache
def validator(name: str) -> Any:
    """Return what checks documents against a schema of the document."""
    components = described()["components"]
    return OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def misfits(told: Any, name: str) -> list[str]:
    """Return where a document differs from a schema of the document of the API."""
    wrong = [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(told)]
    return wrong + odd_times(told, {"$ref": f"#/components/schemas/{name}"}, "$")


def odd_times(told: Any, schema: Described, place: str) -> list[str]:
    """Return the moments and days that are not spelled as the contract says."""
    if "$ref" in schema:
        schema = described()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    inner: list[tuple[Any, Described, str]] = []
    if isinstance(told, dict):
        parts = schema.get("properties", {})
        inner = [(told[name], parts.get(name, {}), f"{place}.{name}") for name in told]
    if isinstance(told, list):
        inner = [(item, schema.get("items", {}), f"{place}[]") for item in told]
    if inner:
        return [fault for part in inner for fault in odd_times(*part)]
    wanted = FORMATS.get(schema.get("format", ""))
    fits = wanted is None or told is None or bool(wanted.fullmatch(str(told)))
    return [] if fits else [f"{place}: {told!r} is no {schema['format']}"]


class Watch:
    """Collect the misfits of all answers of an application; runs as `on_response_prepare`."""

    def __init__(self) -> None:
        self.found: list[str] = []

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Look at one answer."""
        method = getattr(request.match_info.handler, request.method.lower(), None)
        if getattr(method, "endpoint", None) is None or not isinstance(response, web.Response):
            return
        resource = request.match_info.route.resource
        path = resource.canonical if resource else ""
        known = described()["paths"].get(path)
        if known is None:  # of a test's own
            return
        operation = known["get" if request.method == "HEAD" else request.method.lower()]
        self.found += [f"{request.method} {path}: {x}" for x in faults(operation, response)]


def faults(operation: Described, response: web.Response) -> list[str]:
    """Return in what an answer differs from what the document says of the operation."""
    told = operation["responses"].get(str(response.status))
    if told is None:
        return [f"status {response.status}"]
    named, sent = told.get("headers", {}), {*response.headers, *_cookies(response)}
    found = [f"no {name}" for name in MUST if name in named and name not in sent]
    found += [f"a {name}" for name in ONLY if name in sent and name not in named]
    assert isinstance(response.body, bytes | None)
    if "content" not in told:
        return found + (["a body"] if response.body else [])
    if response.content_type not in told["content"]:
        return [*found, response.content_type]
    content, body = told["content"][response.content_type], orjson.loads(response.body or b"null")
    if "examples" in content and body["code"] not in content["examples"]:
        found.append(f"code {body['code']}")
    return found + misfits(body, content["schema"]["$ref"].rpartition("/")[2])


def _cookies(response: web.Response) -> tuple[str, ...]:
    """Return the name of the header that cookies become when the answer leaves."""
    return ("Set-Cookie",) if response.cookies else ()
