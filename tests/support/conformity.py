"""Hold every answer of the suite against the schema that its endpoint declares."""

import re
from datetime import date
from typing import Any

import orjson
from aiohttp import web
from marshmallow import fields

from kit.endpoint import Endpoint
from kit.errors import nouns
from kit.schemas import Instant, Money, Schema

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
AMOUNT = re.compile(r"\d+\.\d\d")
PLAIN: dict[type[fields.Field[Any]], type] = {
    fields.String: str,
    fields.Integer: int,
    fields.Float: float,
    fields.Boolean: bool,
}


def misfits(document: Any, schema: Schema, place: str = "") -> list[str]:
    """Return where a document differs from a schema; fields must be exactly the declared ones."""
    if not isinstance(document, dict):
        return [f"{place}: not an object"]
    found = [f"{place}/{name}" for name in document.keys() ^ schema.fields.keys()]
    for name in document.keys() & schema.fields.keys():
        found += _misfit(document[name], schema.fields[name], f"{place}/{name}")
    return found


def _misfit(value: Any, field: fields.Field[Any], place: str) -> list[str]:
    if value is None:
        return [] if field.allow_none or isinstance(field, fields.Function) else [f"{place}: null"]
    if isinstance(field, fields.List):
        return [
            fault
            for index, item in enumerate(value)
            for fault in _misfit(item, field.inner, f"{place}/{index}")
        ]
    if isinstance(field, fields.Nested):
        return misfits(value, field.schema, place)  # type: ignore[arg-type]
    return [] if _fits(value, field) else [f"{place}: {value!r} is no {type(field).__name__}"]


def _fits(value: Any, field: fields.Field[Any]) -> bool:
    match field:
        case Instant():
            return bool(RFC3339.fullmatch(value))
        case Money():
            return bool(AMOUNT.fullmatch(value))
        case fields.Date():
            return bool(date.fromisoformat(value).isoformat() == value)
        case fields.Function():
            return isinstance(value, int)
    kinds = [kind for base, kind in PLAIN.items() if isinstance(field, base)]
    return any(type(value) is kind for kind in kinds)


def undeclared(endpoint: Endpoint, document: dict[str, Any]) -> list[str]:
    """Return the problem's code when neither the endpoint declares it nor the porch has it."""
    everywhere = {noun.code for noun in nouns() if noun.__module__.startswith(("kit.", "tests."))}
    code = document["code"]
    return [] if code in everywhere | {noun.code for noun in endpoint.raises} else [code]


class Watch:
    """Collect the misfits of all answers of an application; runs as `on_response_prepare`."""

    def __init__(self) -> None:
        self.found: list[str] = []

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Look at one answer."""
        method = getattr(request.match_info.handler, request.method.lower(), None)
        declared: Endpoint | None = getattr(method, "endpoint", None)
        if declared is None or not isinstance(response, web.Response):
            return
        assert isinstance(response.body, bytes | None)
        if response.status >= 400:
            self.found += undeclared(declared, orjson.loads(response.body or b"{}"))
        elif response.status not in (declared.status, declared.present_status):
            self.found.append(f"{request.path}: {response.status}, not {declared.status}")
        elif declared.returns is None:
            self.found += [f"{request.path}: a body"] if response.body else []
        else:
            document = orjson.loads(response.body or b"null")
            self.found += misfits(document, declared.returns, request.path)  # type: ignore[arg-type]
