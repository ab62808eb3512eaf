"""What the document says of examples, headers and answers holds, also for parts of the house."""

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

import monolith
from kit.db import Database
from kit.endpoint import Endpoint
from kit.openapi_schemas import Described
from kit.settings import Settings
from tests.openapi_parts import odd_examples, told_in
from tests.support.clients import Client, client_of
from tests.support.conformity import Watch
from tests.support.shops import SHOP, add_shop
from tests.test_openapi import declared, kept

RATES = {f"RateLimit-{name}" for name in ("Limit", "Remaining", "Reset", "Policy")}
KEYED = {"POST /api/v1/shop/orders", "POST /api/v1/applications", "POST /applications"}
LIMITED = {"POST /api/v1/applications", "POST /applications"}
SHOPS = f"{SHOP}/shops"

Part = tuple[str | int, ...]
WRONG: list[tuple[Part, Any]] = [  # where in the document -> an example that does not fit
    (("paths", SHOPS, "get", "parameters", 0, "schema", "examples"), [0]),
    (("paths", SHOPS, "get", "responses", "200", "content", "application/json", "example"), {}),
    (("components", "schemas", "shop.CartItemIn", "properties", "quantity", "examples"), [1001]),
    (("components", "schemas", "users.SignUp", "properties", "birthday", "examples"), ["1.2.03"]),
    (("components", "examples", "out-of-stock", "value"), {"code": "out-of-stock"}),
]


def with_header(*names: str) -> set[str]:
    """Return the operations whose results have these headers."""
    return {
        str(each)
        for each in told_in(kept())
        if any(set(names) <= answer.get("headers", {}).keys() for answer in each.results)
    }


class TestExamples:
    def test_fit_their_schemas(self) -> None:
        assert odd_examples(kept()) == []

    def test_stand_at_every_body_and_result(self) -> None:
        shown = [body["example"] for each in told_in(kept()) for _, body in each.bodies]
        assert all(shown)
        wanted = [
            part
            for _, found in declared()
            for part in (found.json, found.returns, found.present_status)
            if part is not None
        ]
        assert len(shown) == len(wanted)

    @pytest.mark.parametrize(("part", "planted"), WRONG, ids=lambda x: str(x)[-24:])
    def test_are_noticed_where_they_do_not_fit(self, part: Part, planted: Any) -> None:
        changed: Any = deepcopy(kept())
        place = changed
        for step in part[:-1]:
            place = place[step]
        assert part[-1] in place
        place[part[-1]] = planted
        assert odd_examples(changed) != []


class TestHeaders:
    def test_stand_where_they_belong(self) -> None:
        keyed = {
            str(each)
            for each in told_in(kept())
            if "Idempotency-Key" in {x["name"] for x in each.told["parameters"]}
        }
        assert keyed == with_header("Idempotent-Replayed") == KEYED
        assert with_header(*RATES) == with_header("RateLimit-Limit") == LIMITED
        assert with_header("Link") == {
            str(each) for each in told_in(kept()) if "page" in parameters_of(each.told)
        }
        located = {str(each) for each, found in declared() if found.location}
        assert with_header("Location") == located > KEYED

    def test_tell_when_to_try_again(self) -> None:
        for each in told_in(kept()):
            for status in {"429", "503"} & each.told["responses"].keys():
                assert "Retry-After" in each.told["responses"][status]["headers"], each


def parameters_of(told: Described) -> set[str]:
    """Return the names of the parameters of an operation."""
    return {parameter["name"] for parameter in told["parameters"]}


class TestProblems:
    async def test_are_explained(self, guest: Client) -> None:
        found = {pair for each in told_in(kept()) for pair in each.codes}
        examples = kept()["components"]["examples"]
        assert {code for _, code in found} == examples.keys()
        assert len(examples) > 40
        for status, code in found:
            async with guest.get(f"/problems/{code}") as response:
                meaning = await response.json()
            assert response.status == 200, code
            assert (meaning["code"], str(meaning["status"])) == (code, status)
            shown = examples[code]["value"]
            assert (shown["type"], shown["code"]) == (f"/problems/{code}", code)

    def test_stand_at_every_failing_status(self) -> None:
        for each in told_in(kept()):
            coded = {status for status, _ in each.codes}
            assert coded == {x for x in each.told["responses"] if x >= "400"}, each


@pytest_asyncio.fixture
async def watched(
    settings: Settings, house_database: Database
) -> AsyncIterator[tuple[Client, Watch]]:
    """Serve a house whose answers may be wrong, with one shop, and look at them."""
    await add_shop(house_database)
    app, watch = monolith.create_app(settings, database=house_database), Watch()
    app.on_response_prepare.append(watch)
    async with client_of(TestServer(app, access_log=None)) as client:
        yield client, watch


def _status(_: Any, response: web.Response) -> None:
    response.set_status(202)


def _field(document: Any, response: web.Response) -> None:
    response.body = orjson.dumps({**document, "password_hash": "x"})


def _inner_field(document: Any, response: web.Response) -> None:
    response.body = orjson.dumps({**document, "items": [{**document["items"][0], "owner": 1}]})


def _missing_field(document: Any, response: web.Response) -> None:
    response.body = orjson.dumps({name: document[name] for name in document if name != "total"})


def _wrong_type(document: Any, response: web.Response) -> None:
    response.body = orjson.dumps({**document, "total": str(document["total"])})


def _content_type(_: Any, response: web.Response) -> None:
    response.content_type = "text/plain"


ODD = [_status, _field, _inner_field, _missing_field, _wrong_type, _content_type]


class TestAnswers:
    async def test_that_fit_are_left_alone(self, watched: tuple[Client, Watch]) -> None:
        client, watch = watched
        assert (await client.get(SHOPS)).status == 200
        assert (await client.get(f"{SHOPS}/0")).status == 404
        assert watch.found == []

    @pytest.mark.parametrize("spoil", ODD)
    async def test_that_are_not_documented_are_caught(
        self,
        watched: tuple[Client, Watch],
        monkeypatch: pytest.MonkeyPatch,
        spoil: Callable[[Any, web.Response], None],
    ) -> None:
        client, watch = watched
        answer = Endpoint.answer

        def spoilt(self: Endpoint, request: web.Request, result: Any) -> web.Response:
            response = answer(self, request, result)
            assert isinstance(response.body, bytes)
            spoil(orjson.loads(response.body), response)
            return response

        monkeypatch.setattr(Endpoint, "answer", spoilt)
        await client.get(SHOPS)
        assert len(watch.found) == 1, watch.found
        assert watch.found[0].startswith(f"GET {SHOPS}: ")
