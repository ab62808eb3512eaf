"""Send the requests of a Postman collection as Postman would, and check what its scripts check."""

import random
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import orjson
from aiohttp import ClientResponse, ClientSession, CookieJar
from openapi_schema_validator import OAS31Validator
from yarl import URL

from kit.postman_checks import BEGINS, SCRIPT

Described = dict[str, Any]

VARIABLE = re.compile(r"\{\{(\$?\w+)\}\}")
DYNAMIC = {
    "$timestamp": lambda: str(int(time.time())),
    "$randomInt": lambda: str(random.randrange(1001)),
    "$guid": lambda: str(uuid.uuid4()),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one request; `faults` is empty when all its checks passed."""

    name: str
    status: int
    milliseconds: float
    faults: list[str]


def requests(folder: Described) -> Iterator[Described]:
    """Yield the requests of a folder and of the folders in it, in their order."""
    for item in folder["item"]:
        if "item" in item:
            yield from requests(item)
        else:
            yield item


def expected(item: Described) -> Described:
    """Return what the script of a request expects; the rest of it must be the known one."""
    first, *others = item["event"][0]["script"]["exec"]
    assert others == SCRIPT.splitlines()
    found: Described = orjson.loads(first.removeprefix(BEGINS).removesuffix(";"))
    return found


def variables(collection: Described) -> dict[str, Any]:
    """Return the variables of a collection as they are before it runs."""
    return {told["key"]: told["value"] for told in collection["variable"]}


def place(body: Any, path: str) -> Any:
    """Return what lies at a place of an answer, as `step` in the script finds it."""

    def step(found: Any, name: str) -> Any:
        if name.startswith("*"):
            return next((item for item in found if item[name[1:]]), None)
        if found is None:
            return None
        return found[int(name)] if isinstance(found, list) else found[name]

    return reduce(step, path.split("."), body)


def used(item: Described) -> set[str]:
    """Return the variables that a request needs."""
    return set(VARIABLE.findall(orjson.dumps(item["request"]).decode()))


def faults(outcomes: list[Outcome]) -> list[str]:
    """Return what went wrong, with the names of the requests."""
    return [f"{outcome.name}: {fault}" for outcome in outcomes for fault in outcome.faults]


def alone(item: Described, **changes: Any) -> Described:
    """Return a collection of one request, whose script expects something else."""
    script = item["event"][0]["script"]
    first = f"{BEGINS}{orjson.dumps({**expected(item), **changes}).decode()};"
    event = {"script": {**script, "exec": [first, *script["exec"][1:]]}}
    return {"item": [{**item, "event": [event]}], "variable": []}


class Postman:
    """A run of a collection against a service, with cookies and variables of its own."""

    def __init__(self, collection: Described, base_url: str) -> None:
        self._collection = collection
        self._variables = {**variables(collection), "baseUrl": base_url.rstrip("/")}

    async def run(self) -> list[Outcome]:
        """Send everything."""
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            return [await self._send(session, item) for item in requests(self._collection)]

    async def _send(self, session: ClientSession, item: Described) -> Outcome:
        if unknown := sorted(name for name in used(item) if self._variables.get(name) == ""):
            return Outcome(item["name"], 0, 0.0, [f"not sent: {unknown} not known yet"])
        request, started = item["request"], time.perf_counter()
        headers = {told["key"]: self._filled(told["value"]) for told in request["header"]}
        raw = self._filled(request["body"]["raw"]).encode() if "body" in request else None
        url = URL(self._filled(_address(request["url"])), encoded=True)
        async with session.request(request["method"], url, headers=headers, data=raw) as answer:
            text = await answer.read()
        took = (time.perf_counter() - started) * 1000
        return Outcome(
            item["name"], answer.status, took, list(self._faults(item, answer, text, took))
        )

    def _filled(self, text: str) -> str:
        """Put values in the place of variables."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            return str(DYNAMIC[name]() if name in DYNAMIC else self._variables[name])

        return VARIABLE.sub(value, text)

    def _faults(
        self, item: Described, answer: ClientResponse, text: bytes, took: float
    ) -> Iterator[str]:
        """Yield which checks of the script fail; remember what it remembers."""
        wanted = expected(item)
        if answer.status not in wanted["status"]:
            yield f"answered {answer.status}: {text.decode()}"
        if took >= wanted["within"]:
            yield f"took {took:.0f} ms"
        yield from self._faults_of_body(wanted, answer.content_type, text)

    def _faults_of_body(self, wanted: Described, kind: str, text: bytes) -> Iterator[str]:
        if wanted["schema"] is None or "application/json" not in kind:
            if text:
                yield f"has a body: {text.decode()}"
            elif wanted["schema"] is not None:
                yield "has no body"
            return
        body = orjson.loads(text)
        for error in OAS31Validator(wanted["schema"]).iter_errors(body):
            yield f"{error.json_path}: {error.message}"
        for name, path in wanted["remember"].items():
            self._variables[name] = place(body, path)
            if self._variables[name] is None:
                yield f"does not give {name}"


def _address(url: Described) -> str:
    """Put an address together from its parts, as Postman does."""
    known = {told["key"]: told["value"] for told in url.get("variable", [])}
    path = [known[part[1:]] if part.startswith(":") else part for part in url["path"]]
    query = [told for told in url.get("query", []) if not told.get("disabled")]
    asked = "&".join(f"{told['key']}={told['value']}" for told in query)
    return "/".join([*url["host"], *path]) + (f"?{asked}" if asked else "")
