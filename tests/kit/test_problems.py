"""Every failure is a problem document, and every answer carries the house's headers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kit.errors import nouns
from kit.log import REQUEST_ID
from kit.problems import status_of, title_of
from kit.site import POLICY
from tests.kit.conftest import Lines
from tests.kit.doors import UNKNOWN, Operation, bare_house, methods_by_route, operations
from tests.support.clients import API, Client, problem
from tests.users.forms import sign_up_form

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}
ALLOWED = methods_by_route()
GETS = [operation for operation in operations() if operation.method == "GET"]
OF_PAGES = {"Content-Security-Policy": POLICY}  # which load their own scripts and styles
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}


def address_of(route: str) -> str:
    """Return a path that reaches a route."""
    return Operation("GET", route, None).address


class TestUnknownAddress:
    @pytest.mark.parametrize(
        "path", ["/", "/nope", UNKNOWN, "/api/v1", "/api/v1/shop", "/livez//"]
    )
    async def test_is_a_problem(self, guest: Client, path: str) -> None:
        if path == "/" and "/" in ALLOWED:
            pytest.skip("the house has a page there")
        document = await problem(await guest.get(path), 404, "not-found")
        assert document["instance"] == path
        assert "errors" not in document

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
    async def test_is_unknown_to_every_method(self, guest: Client, method: str) -> None:
        await problem(await guest.request(method, UNKNOWN), 404, "not-found")

    async def test_does_not_take_a_trailing_slash(self, alice: Client) -> None:
        for route in ALLOWED:
            if f"{route}/" not in ALLOWED and route != "/" and not route.endswith("/"):
                await problem(await alice.get(f"{address_of(route)}/"), 404, "not-found")


class TestWrongMethod:
    @pytest.mark.parametrize("route", ALLOWED)
    async def test_names_the_methods_that_work(self, guest: Client, route: str) -> None:
        for method in METHODS - ALLOWED[route]:
            response = await guest.request(method, address_of(route))
            assert set(response.headers["Allow"].split(", ")) == ALLOWED[route], method
            if method != "HEAD":
                await problem(response, 405, "method-not-allowed")


class TestHead:
    @pytest.mark.parametrize("operation", GETS, ids=str)
    async def test_answers_like_get_without_the_body(
        self, alice: Client, operation: Operation
    ) -> None:
        got = await alice.get(operation.address)
        head = await alice.head(operation.address)
        assert (head.status, await head.read()) == (got.status, b"")
        differ = {"X-Request-ID", "Date"} | (
            {"Content-Length"} if got.url.path in ("/readyz", "/metrics") else set()
        )
        shown = [{k: v for k, v in r.headers.items() if k not in differ} for r in (got, head)]
        assert shown[0] == shown[1]


class TestMeanings:
    async def test_explains_every_failure(self, guest: Client) -> None:
        bare_house()
        for noun in nouns():
            response = await guest.get(f"/problems/{noun.code}")
            assert response.status == 200, noun
            document = await response.json()
            expected = {
                "code": noun.code,
                "title": title_of(noun),
                "status": status_of(noun),
                "meaning": noun.explanation(),
                "advice": noun.advice,
            }
            assert document == expected
            assert noun.explanation(), noun

    async def test_gives_each_failure_a_code_of_its_own(self) -> None:
        meanings: dict[str, set[tuple[str, int]]] = {}
        for noun in nouns():  # two domains may know the same failure, then it means the same
            meaning = noun.explanation(), status_of(noun)
            meanings.setdefault(noun.code, set()).add(meaning)
        assert {code: found for code, found in meanings.items() if len(found) > 1} == {}

    @pytest.mark.parametrize(
        "code", ["nope", "failure", "Not-Found", "not-found%00", "%F0%9F%A6%91"]
    )
    async def test_knows_no_other_code(self, guest: Client, code: str) -> None:
        await problem(await guest.get(f"/problems/{code}"), 404, "not-found")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list of shops fail in a way that nobody foresaw."""

    async def explode(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr("shop.service.catalogue.list_shops", explode)


class TestUnexpected:
    @pytest.mark.usefixtures("broken")
    async def test_shows_no_internals(self, guest: Client) -> None:
        response = await guest.get(f"{API}/shop/shops")
        document = await problem(response, 500, "internal-error")
        text = json.dumps([document, dict(response.headers)])
        assert not any(word in text for word in ("secret", "ZeroDivision", "Traceback", ".py"))

    @pytest.mark.usefixtures("broken")
    async def test_leaves_the_traceback_in_the_log(self, guest: Client, log_lines: Lines) -> None:
        document = await problem(await guest.get(f"{API}/shop/shops"), 500, "internal-error")
        (line,) = [line for line in log_lines() if line["level"] == "error"]
        assert line["request_id"] == document["request_id"]
        text = json.dumps(line["exception"])
        assert "ZeroDivisionError" in text
        assert "explode" in text


class TestRequestId:
    @pytest.mark.parametrize("offered", ["a", "A-z_0.9", "x" * 128])
    async def test_is_echoed(self, guest: Client, offered: str) -> None:
        for path in ("/livez", UNKNOWN):
            response = await guest.get(path, headers={"X-Request-ID": offered})
            assert response.headers.getall("X-Request-ID") == [offered]

    @pytest.mark.parametrize("offered", ["", "x" * 129, "a b", "é", "a/b", '"', "a;b", "٣"])
    async def test_is_made_when_it_does_not_fit(self, guest: Client, offered: str) -> None:
        response = await guest.get(UNKNOWN, headers={"X-Request-ID": offered})
        document = await problem(response, 404, "not-found")
        assert document["request_id"] != offered
        assert REQUEST_ID.fullmatch(document["request_id"])

    async def test_is_never_made_twice(self, guest: Client) -> None:
        ids = {(await guest.get("/livez")).headers["X-Request-ID"] for _ in range(50)}
        assert len(ids) == 50


class TestHeaders:
    @pytest.mark.usefixtures("broken")
    async def test_are_on_every_answer(self, alice: Client, visit: Callable[[], Client]) -> None:
        for client in (visit(), alice):
            for path in (UNKNOWN, f"{API}/shop/shops", *(g.address for g in GETS)):
                response = await client.get(path)
                wanted = SECURITY | (OF_PAGES if response.content_type == "text/html" else {})
                assert wanted.items() <= dict(response.headers).items(), path
                assert "Server" not in response.headers

    async def test_forbid_to_store_what_is_closed(
        self, alice: Client, visit: Callable[[], Client]
    ) -> None:
        closed = [x for x in operations() if x.declared and not x.declared.guest]
        for client, chosen in ((visit(), closed), (alice, [x for x in closed if x in GETS])):
            for operation in chosen:
                response = await client.request(operation.method, operation.address)
                assert response.headers["Cache-Control"] == "no-store", operation

    async def test_forbid_to_store_personal_data(self, guest: Client) -> None:
        response = await guest.post(f"{API}/users", json=sign_up_form())
        assert (response.status, response.headers.get("Cache-Control")) == (201, "no-store")
