"""The document of the API (OpenAPI 3.1), from the declarations that also validate and answer."""

import re
import sys
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from apispec import APISpec

from kit import idempotency
from kit.addresses import API, operations
from kit.endpoint import Endpoint
from kit.errors import Failure
from kit.openapi_answers import example, failures, headers, problems
from kit.openapi_schemas import Described, example_of, plugin
from kit.problem_schemas import ProblemOut
from kit.schemas import Schema

VERSION = "3.1.0"
SESSION, SERVICE = "session", "service"
SECURITY = {
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "Set by POST /auth/login; named `__Host-session` behind TLS.",
    },
    SERVICE: {
        "type": "http",
        "scheme": "bearer",
        "description": "`SERVICE_TOKEN`, by which our own services know each other.",
    },
}
PARAMETER = re.compile(r"\{(\w+)\}")
KEY: Described = {
    "in": "header",
    "name": idempotency.HEADER,
    "description": "Makes it safe to send the same thing twice; kept for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["order-2027-0001"]},
}


def document(app: web.Application, title: str, version: str, description: str) -> Described:
    """Describe everything that an application answers, but its operational addresses."""
    spec = APISpec(
        title,
        version,
        VERSION,
        info={"description": description},
        plugins=[plugin()],
    )
    spec.components.schema("Problem", schema=ProblemOut())
    used: set[type[Failure]] = set()
    tags: dict[str, str] = {}
    for method, path, handler in operations(app):
        declared = getattr(handler, "endpoint", None)
        if declared is None:
            continue
        nouns = set(failures(declared, method, path))
        used |= nouns
        tags.setdefault(_tag(path), _words_of(handler))
        wrong = problems(nouns, declared)
        described = _operation(method, path, handler, wrong)
        spec.path(path, operations={method.lower(): described})
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for code, noun in sorted({noun.code: noun for noun in used}.items()):
        spec.components.example(code, {"value": example(noun)})
    for name, words in tags.items():
        spec.tag({"name": name, "description": words})
    return _with_examples(spec.to_dict())


def _operation(method: str, path: str, handler: Any, wrong: Described) -> Described:
    declared: Endpoint = handler.endpoint
    summary, _, more = (handler.__doc__ or "").partition("\n")
    described: Described = {
        "operationId": declared.operation_id or _operation_id(method, path, handler),
        "tags": [_tag(path)],
        "summary": summary.rstrip("."),
        "description": " ".join(f"{summary} {more}".split()),
        "parameters": list(_parameters(declared, path)),
        "responses": {**_results(declared), **wrong},
        "security": _security(declared),
    }
    if declared.json is not None:
        content = {"application/json": {"schema": declared.json}}
        described["requestBody"] = {"required": not declared.body_optional, "content": content}
    return described


def _parameters(declared: Endpoint, path: str) -> Iterator[Any]:
    for name in PARAMETER.findall(path):
        is_id = name.endswith("id")
        schema = {"type": "integer", "format": "int64", "minimum": 1, "examples": [1]}
        text = {"type": "string", "examples": ["Zk3vQ0"]}
        yield {
            "in": "path",
            "name": name,
            "required": True,
            "description": f"Which of the {_before(name, path)}.",
            "schema": schema if is_id else text,
        }
    if declared.query is not None:
        yield {"in": "query", "schema": declared.query}
    if declared.idempotent:
        yield KEY


def _before(name: str, path: str) -> str:
    """Return what a parameter of a path chooses from."""
    return path.partition(f"/{{{name}}}")[0].rpartition("/")[2]


def _results(declared: Endpoint) -> Described:
    is_page = isinstance(declared.returns, Schema) and "pages" in declared.returns.fields
    result: Described = {"description": "Done." if declared.returns is None else "The result."}
    if told := headers(declared, is_page=is_page):
        result["headers"] = told
    if declared.returns is not None:
        result["content"] = {"application/json": {"schema": declared.returns}}
    results = {str(declared.status): result}
    if declared.present_status is not None:
        present = {name: part for name, part in result.items() if name != "headers"}
        results[str(declared.present_status)] = {**present, "description": "It was here already."}
    return results


def _security(declared: Endpoint) -> list[dict[str, list[str]]]:
    if declared.guest:
        return []
    names = [SESSION, SERVICE] if declared.service else [SESSION]
    return [{name: []} for name in names]


def _tag(path: str) -> str:
    return path.removeprefix(API).strip("/").partition("/")[0]


def _words_of(handler: Any) -> str:
    """Return what the domain of a handler says of itself."""
    package = sys.modules[handler.__module__.partition(".")[0]]
    return (package.__doc__ or "").strip()


def _operation_id(method: str, path: str, handler: Any) -> str:
    """Name an operation after its method and its view: `get_shop_order`."""
    view = handler.__qualname__.partition(".")[0].removesuffix("View")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", view).lower()
    parts = [_tag(path).replace("-", "_"), words]
    suffix = [] if path.startswith(API) else ["short"]
    return "_".join([method.lower(), *dict.fromkeys(parts), *suffix])


def _with_examples(made: Described) -> Described:
    """Give each body and each result an example, put together from those of the fields."""
    schemas = made["components"]["schemas"]
    for operation in (found for path in made["paths"].values() for found in path.values()):
        for parameter in operation["parameters"]:
            _never_null(parameter["schema"])
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (body.get("content", {}).get("application/json") for body in bodies):
            if content:
                content["example"] = example_of(content["schema"], schemas)
    return made


def _never_null(schema: Described) -> None:
    """Take null out of the schema of a parameter: no address can hold it."""
    if isinstance(schema.get("type"), list):
        (schema["type"],) = [kind for kind in schema["type"] if kind != "null"]
    if "enum" in schema:
        schema["enum"] = [one for one in schema["enum"] if one is not None]
    if schema.get("default", "") is None:
        del schema["default"]
