"""Look into documents of the API: their operations, what lacks words, what does not fit."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from aiohttp import web
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from kit.addresses import operations
from kit.openapi_schemas import Described

OPERATIONAL = {"/livez", "/readyz", "/status", "/openapi.json", "/static/{name}"}
OPERATIONAL |= {"/", "/docs", "/docs/", "/api/docs", "/redoc", "/redoc/"}
OPERATIONAL |= {"/problems", "/problems/{code}", "/metrics"}
PARTS = ("items", "anyOf", "$ref", "properties")


class Told(NamedTuple):
    """One operation of a document."""

    method: str
    path: str
    told: Described

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def codes(self) -> Iterator[tuple[str, str]]:
        """Yield the status and the code of each problem."""
        for status, answer in self.told["responses"].items():
            content = answer.get("content", {}).get("application/problem+json", {})
            for code in content.get("examples", {}):
                yield status, code

    @property
    def bodies(self) -> Iterator[tuple[str, Described]]:
        """Yield what is sent and what is answered as JSON."""
        bodies = {"body": self.told.get("requestBody", {}), **self.told["responses"]}
        for name, body in bodies.items():
            if "application/json" in body.get("content", {}):
                yield name, body["content"]["application/json"]

    @property
    def results(self) -> list[Described]:
        """Return the answers that are no problems."""
        return [x for status, x in self.told["responses"].items() if status < "300"]


def told_in(document: Described) -> list[Told]:
    """List the operations of a document."""
    return [
        Told(method.upper(), path, told)
        for path, found in document["paths"].items()
        for method, told in found.items()
    ]


def routed_in(app: web.Application) -> list[str]:
    """List the operations of an application, but those that only serve to operate it."""
    return [f"{method} {path}" for method, path, _ in operations(app) if path not in OPERATIONAL]


def wordless(document: Described) -> list[str]:
    """Return the parameters and fields that lack a description or an example."""
    found = [
        (f"{each} {parameter['name']}", parameter, parameter["schema"])
        for each in told_in(document)
        for parameter in each.told["parameters"]
    ]
    for name, schema in document["components"]["schemas"].items():
        fields = schema.get("properties", {}).items()
        found += [(f"{name}.{field}", part, part) for field, part in fields]
    return [
        f"{name}: no description" for name, told, _ in found if not told.get("description")
    ] + [
        f"{name}: no example"
        for name, _, schema in found
        if not schema.get("examples") and not any(part in schema for part in PARTS)
    ]


def odd_examples(document: Described) -> list[str]:
    """Return the examples that do not fit the schemas that they are examples of."""
    problem = {"$ref": "#/components/schemas/Problem"}
    shown = [
        (name, problem, example["value"])
        for name, example in document["components"]["examples"].items()
    ]
    for each in told_in(document):
        shown += [(f"{each} {x}", body["schema"], body["example"]) for x, body in each.bodies]
        for part in each.told["parameters"]:
            schema = part["schema"]
            shown += [(f"{each} {part['name']}", schema, x) for x in schema["examples"]]
    for name, schema in document["components"]["schemas"].items():
        for field, part in schema.get("properties", {}).items():
            shown += [(f"{name}.{field}", part, x) for x in part.get("examples", [])]
    return [
        f"{name}: {fault}"
        for name, schema, example in shown
        for fault in misfits(document, schema, example)
    ]


def misfits(document: Described, schema: Described, shown: Any) -> list[str]:
    """Return in what something differs from a schema."""
    whole = {**schema, "components": document["components"]}
    checks = OAS31Validator(whole, format_checker=oas31_format_checker)
    return [f"{error.json_path}: {error.message}" for error in checks.iter_errors(shown)]


def stale(kept: str, rendered: str) -> str:
    """Return what to do about a document that is no longer true, "" when it is."""
    if kept == rendered:
        return ""
    return "docs/openapi.json is stale: run `shop-api openapi --output docs/openapi.json`"
