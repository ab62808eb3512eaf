"""Callers who send what schemathesis makes of the document, and note what does not fit it."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests
import schemathesis
from aiohttp import hdrs, web
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as effort
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.core.result import Ok

from tests.support.clients import API, PASSWORD
from tests.support.conformity import described, faults

Case = schemathesis.Case[Any]

AT_ONCE = 20  # requests of one kind, then the next kind has its turn
SLOW = 10.0  # seconds: whoever waits longer hangs
LARGEST = 16 * 1024  # bytes of a problem, by the promise
HIGHEST = 2**63 - 1  # of all ids
SEEDED = 60  # ids up to this one stand for something
DEFECTS = range(500, 600)
EXCUSED = 503  # a dependency is down
VISITORS = 200  # addresses that calls come from: few enough for the limit to be met, too
EFFORT = effort(
    max_examples=AT_ONCE,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def near(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with ids that stand for something."""
    changed = deepcopy(dict(document))
    todo: list[Any] = [changed]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            is_id = part.get("type") == "integer" and "minimum" in part
            if is_id and part.get("maximum", HIGHEST) == HIGHEST:
                part["maximum"] = SEEDED
        todo += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return changed


@dataclass
class Caller:
    """Call as a guest, or as one of many who can sign in: fuzzing also signs out and deletes."""

    url: str
    names: Iterator[str] | None = None
    cookie: str = ""
    seen: Counter[int] = field(default_factory=Counter)
    found: dict[str, str] = field(default_factory=dict)  # what does not fit -> first request
    reached: Counter[str] = field(default_factory=Counter)  # operations that answered 2xx
    slowest: float = 0.0  # seconds

    def __post_init__(self) -> None:
        self._line = requests.Session()
        self._number = count(1)

    def call(self, case: Case) -> None:
        """Send one request and look at the answer."""
        self._admit()
        address = f"198.51.100.{next(self._number) % VISITORS}"
        case.headers["X-Forwarded-For"] = address
        if self.cookie:
            case.cookies["session"] = self.cookie
        sent = requests.Request(**case.as_transport_kwargs(base_url=self.url))
        prepared = self._line.prepare_request(sent)
        started = time.perf_counter()
        try:
            response = self._line.send(prepared, timeout=SLOW, allow_redirects=False)
        except requests.RequestException as error:
            self._note(case, f"{type(error).__name__}: {error}", prepared)
            return
        finally:
            self._line.cookies.clear()
        self.slowest = max(self.slowest, time.perf_counter() - started)
        self._look(case, response)

    def _admit(self) -> None:
        """Sign in unless that has been done; each time as somebody else."""
        if self.names is None or self.cookie:
            return
        number = next(self._number)
        answer = self._line.post(
            f"{self.url}{API}/auth/login",
            json={"login": next(self.names), "password": PASSWORD},
            headers={"X-Forwarded-For": f"10.0.{number >> 8 & 255}.{number & 255}"},
            timeout=SLOW,
        )
        assert answer.status_code == 200, answer.text
        self.cookie = answer.cookies["session"] or ""

    def _look(self, case: Case, response: requests.Response) -> None:
        self.seen[response.status_code] += 1
        operation = case.operation
        if response.ok:
            self.reached[operation.label] += 1
        if response.status_code == 401 or (response.ok and ends_session(operation.label)):
            self.cookie = ""
        told = described()["paths"][operation.path][operation.method.lower()]
        try:
            wrong = faults(told, as_answer(response))
        except (ValueError, LookupError, TypeError):
            wrong = ["a body that cannot be read"]
        if response.status_code in DEFECTS and response.status_code != EXCUSED:
            wrong.append(f"status {response.status_code}")
        if response.status_code >= 400 and len(response.content) > LARGEST:
            wrong.append(f"a problem of {len(response.content)} bytes")
        for fault in wrong:
            self._note(case, f"{response.status_code}: {fault}", response.request, response.text)

    def _note(
        self, case: Case, what: str, sent: requests.PreparedRequest, answer: str = ""
    ) -> None:
        request = f"{sent.method} {sent.url} {dict(sent.headers)} {sent.body!r}"
        self.found.setdefault(f"{case.operation.label} {what}", f"{request}\n    {answer[:500]}")


def ends_session(label: str) -> bool:
    """Tell whether an operation ends the session that it is called in."""
    return "/auth/" in label or label.endswith(("DELETE /api/v1/users/me", "/password"))


def as_answer(response: requests.Response) -> web.Response:
    """Return an answer as those are that the suite holds against the document."""
    headers: Mapping[str, str] = response.headers
    kept = {name: text for name, text in headers.items() if name != hdrs.CONTENT_ENCODING}
    return web.Response(body=response.content, status=response.status_code, headers=kept)


def strategies(document: dict[str, Any]) -> Iterator[SearchStrategy[Case]]:
    """Yield what makes requests: of each operation those that fit, and those that do not."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), found
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            yield found.ok().as_strategy(generation_mode=mode)


def fuzz(caller: Caller, document: Mapping[str, Any], seconds: float) -> int:
    """Let somebody call every operation again and again; return how many rounds that were."""
    until = time.monotonic() + seconds
    kinds = [kind for told in (dict(document), near(document)) for kind in strategies(told)]
    for number in count(1):
        for kind in kinds:

            @seed(number)
            @EFFORT
            @given(case=kind)
            def send(case: Case) -> None:
                caller.call(case)

            if time.monotonic() > until:
                return number
            try:
                send()
            except Unsatisfiable:  # nothing can be wrong in a request that has no parts
                continue
    raise AssertionError
