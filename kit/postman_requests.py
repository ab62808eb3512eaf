"""One request of a Postman collection: what is sent, what is checked, and a saved example."""

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson

from kit.postman_checks import script

Described = dict[str, Any]

BASE = "{{baseUrl}}"
PARAMETER = re.compile(r"\{(\w+)\}")
NUMBER = re.compile(r'"<(\w+)>"')
ANEW = "{{$guid}}"  # Postman makes another one each time
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Step:
    """Say of a request what the document cannot: with which values it works where it stands."""

    operation: str
    at: str = ""  # what stands for the parameter of the path
    _: KW_ONLY
    body: Any = None  # without one, the example of the document
    query: Mapping[str, str] = field(default_factory=dict)  # the other parameters are off
    remember: Mapping[str, str] = field(default_factory=dict)  # variable -> place in the answer
    helper: str = ""  # its name, when it is there only for the sake of others


@dataclass(frozen=True, slots=True)
class Operation:
    """Hold one operation of the document."""

    method: str
    path: str
    described: Described

    @property
    def results(self) -> dict[int, Described]:
        """Return what it answers when all is well, by status."""
        answers = self.described["responses"].items()
        return {int(status): answer for status, answer in answers if status.startswith("2")}

    @property
    def title(self) -> str:
        """Return its summary; the address tells the few apart that have two."""
        _, _, version = self.path.partition("/api/")
        summary: str = self.described["summary"]
        return summary if version else f"{summary} ({self.path})"


def number(variable: str) -> str:
    """Return what stands in a body for a variable that is no text there."""
    return f"<{variable}>"


def operations(document: Described) -> dict[str, Operation]:
    """Return all operations of a document by their ids."""
    return {
        described["operationId"]: Operation(method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


def request(operation: Operation, step: Step, schemas: Described) -> Described:
    """Return a request with its checks and its examples."""
    sent = _sent(operation, step)
    results = operation.results
    contents = [answer.get("content", {}).get(JSON, {}) for answer in results.values()]
    exec_ = script(sorted(results), contents[0].get("schema"), schemas, step.remember)
    return {
        "name": step.helper or operation.title,
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": exec_}}],
        "request": sent,
        "response": [
            _example(operation, sent, status, answer) for status, answer in results.items()
        ],
    }


def _sent(operation: Operation, step: Step) -> Described:
    described = operation.described
    sent: Described = {
        "method": operation.method,
        "header": [
            {"key": told["name"], "value": ANEW, "description": told["description"]}
            for told in _parameters(operation, "header")
        ],
        "url": _url(operation, step),
        "description": described["description"],
    }
    if "requestBody" in described:
        example = described["requestBody"]["content"][JSON]["example"]
        raw = _pretty(example if step.body is None else step.body)
        sent["header"] = [{"key": "Content-Type", "value": JSON}, *sent["header"]]
        sent["body"] = {
            "mode": "raw",
            "raw": NUMBER.sub(r"{{\1}}", raw),
            "options": {"raw": {"language": "json"}},
        }
    return sent


def _url(operation: Operation, step: Step) -> Described:
    """Take an address apart as Postman does; parameters that are not asked for are off."""
    path = PARAMETER.sub(r":\1", operation.path)
    query = [_query(told, step) for told in _parameters(operation, "query")]
    on = "&".join(f"{part['key']}={part['value']}" for part in query if not part.get("disabled"))
    url: Described = {
        "raw": BASE + path + (f"?{on}" if on else ""),
        "host": [BASE],
        "path": path.strip("/").split("/"),
    }
    if query:
        url["query"] = query
    if wanted := _parameters(operation, "path"):
        url["variable"] = [
            {"key": told["name"], "value": step.at, "description": told["description"]}
            for told in wanted
        ]
    return url


def _query(told: Described, step: Step) -> Described:
    name, is_on = told["name"], told["name"] in step.query
    # Postman sends a + as it is, and that means a space
    value = step.query[name] if is_on else quote(_plain(told["schema"]), safe=":,")
    found = {"key": name, "value": value, "description": told["description"]}
    return found if is_on else {**found, "disabled": True}


def _plain(schema: Described) -> str:
    """Return the example of a parameter as it stands in an address."""
    value = (schema.get("examples") or schema.get("enum") or [schema.get("default", "")])[0]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _parameters(operation: Operation, place: str) -> list[Described]:
    return [told for told in operation.described["parameters"] if told["in"] == place]


def _example(operation: Operation, sent: Described, status: int, answer: Described) -> Described:
    """Return an answer of the document as Postman saves answers."""
    phrase = HTTPStatus(status).phrase
    saved: Described = {
        "name": f"{status} {phrase}",
        "originalRequest": sent,
        "status": phrase,
        "code": status,
        "_postman_previewlanguage": "json" if "content" in answer else "text",
        "header": [],
        "cookie": [],
        "body": "",
    }
    if "content" in answer:
        body = answer["content"][JSON]["example"]
        saved["header"].append({"key": "Content-Type", "value": JSON})
        saved["body"] = _pretty(body)
    for name, told in answer.get("headers", {}).items():
        if name == "Location":
            saved["header"].append({"key": name, "value": f"{operation.path}/{body['id']}"})
        elif told["schema"].get("examples"):  # the others come in special cases only
            saved["header"].append({"key": name, "value": _plain(told["schema"])})
    return saved


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
