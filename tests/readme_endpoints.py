"""The tables of endpoints, from the document of the API: a short one, and one with examples."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from tests.support.conformity import described

PAGE = "docs/endpoints.md"
OPTIONAL = {"page", "size", "cursor"}  # shown by no example: they are the same everywhere
JSON, PROBLEM = "application/json", "application/problem+json"


@dataclass(frozen=True)
class Described:
    """One operation of the document."""

    method: str
    path: str
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return the operation's id."""
        return str(self.told["operationId"])

    @property
    def who(self) -> str:
        """Say who may call it."""
        ways = {name for way in self.told["security"] for name in way}
        if "staff-only" in self.codes():
            return "staff"
        if "service" in ways:
            return "signed in, services"
        return "signed in" if ways else "everybody"

    def codes(self) -> list[str]:
        """Return the codes of the problems that it can answer, in the order of their statuses."""
        return list(self.statuses())

    def statuses(self) -> dict[str, str]:
        """Return the status of each code."""
        return {
            code: status
            for status, answer in self.told["responses"].items()
            for code in answer.get("content", {}).get(PROBLEM, {}).get("examples", {})
        }

    def unfit(self, misfits: Callable[[Any, str], list[str]]) -> Iterator[str]:
        """Yield in what the examples of answers differ from their schemas."""
        for answer in self.told["responses"].values():
            if content := answer.get("content", {}).get(JSON):
                yield from misfits(content["example"], content["schema"]["$ref"].split("/")[-1])

    @property
    def headers(self) -> dict[str, str]:
        """Return the examples of its own headers."""
        return {
            x["name"]: str(example_of(x)) for x in self.told["parameters"] if x["in"] == "header"
        }

    @property
    def address(self) -> str:
        """Return its path and query, filled with examples."""
        values = {x["name"]: x for x in self.told["parameters"]}
        path = self.path
        for name, parameter in values.items():
            path = path.replace(f"{{{name}}}", str(example_of(parameter)))
        query = {
            name: example_of(x)
            for name, x in values.items()
            if x["in"] == "query" and name not in OPTIONAL
        }
        return path + (f"?{urlencode(query, safe=',:')}" if query else "")

    @property
    def body(self) -> Any:
        """Return the example of what enters; None when nothing does."""
        return self.told.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")

    def results(self) -> Iterator[tuple[str, Any]]:
        """Yield status and example of each result."""
        for status, answer in self.told["responses"].items():
            if status < "300":
                yield status, answer.get("content", {}).get(JSON, {}).get("example")


@cache
def operations() -> tuple[Described, ...]:
    """List the operations in the order of the document."""
    return tuple(
        Described(method.upper(), path, told)
        for path, methods in described()["paths"].items()
        for method, told in methods.items()
    )


def table() -> str:
    """Write one line for each operation."""
    head = ["| | who may | what it does |", "|---|---|---|"]
    rows = [
        f"| [`{x.method} {x.path}`]({PAGE}#{x.name}) | {x.who} | {x.told['summary']} |"
        for x in operations()
    ]
    return "\n".join(head + rows)


def page() -> str:
    """Write every operation with an example of what enters and what leaves."""
    common = _common(operations())
    unsafe = [x for x in operations() if x.method != "GET"]
    changing = [code for code in _common(unsafe) if code not in common]
    statuses = reduce(lambda known, x: known | x.statuses(), operations(), dict[str, str]())
    lines = [
        "# Endpoints",
        "",
        "Every operation with an example of a request and of its answer. `/docs` and `/redoc`",
        "show the bounds of every field, too, and `/docs` sends requests. `GET /problems/<code>`",
        "explains a problem. Lists take `page` and `size`, some also `cursor`.",
        "",
        "Beside its own problems each operation can answer:",
        "",
        f"- {_listed(_common(operations()), statuses)};",
        f"- when it changes something, also {_listed(changing, statuses)}.",
    ]
    tag = ""
    for operation in operations():
        if operation.told["tags"][0] != tag:
            tag = operation.told["tags"][0]
            lines += ["", f"## {tag}"]
        shared = common + changing if operation in unsafe else common
        lines += ["", *_section(operation, shared)]
    return "\n".join(lines) + "\n"


def _listed(codes: Iterable[str], statuses: Mapping[str, str]) -> str:
    return ", ".join(f"{statuses[code]} `{code}`" for code in codes)


def _common(these: Sequence[Described]) -> list[str]:
    """Return the codes that each of these operations can answer."""
    first, *others = these
    return [code for code in first.codes() if all(code in x.codes() for x in others)]


def _section(operation: Described, shared: Sequence[str]) -> Iterator[str]:
    yield f"### {operation.name}"
    yield ""
    yield f"{operation.told['description']} For: {operation.who}."
    yield ""
    yield "```http"
    yield f"{operation.method} {operation.address}"
    yield from (f"{name}: {value}" for name, value in operation.headers.items())
    if operation.body is not None:
        yield f"Content-Type: {JSON}"
        yield ""
        yield _text(operation.body)
    for status, example in operation.results():
        yield ""
        yield f"HTTP/1.1 {status} {HTTPStatus(int(status)).phrase}"
        if example is not None:
            yield f"Content-Type: {JSON}"
            yield ""
            yield _text(example)
    yield "```"
    statuses = operation.statuses()
    if own := [code for code in statuses if code not in shared]:
        yield ""
        yield f"Problems: {_listed(own, statuses)}."


def example_of(parameter: Mapping[str, Any]) -> Any:
    """Return the first example of a parameter."""
    example = parameter["schema"]["examples"][0]
    return str(example).lower() if isinstance(example, bool) else example


def _text(example: Any) -> str:
    return json.dumps(example, ensure_ascii=False)
