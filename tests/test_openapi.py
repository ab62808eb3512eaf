"""The document of the API is true, complete, kept in docs/openapi.json, and served."""

from collections import Counter
from functools import cache
from pathlib import Path

import orjson
from aiohttp import web
from marshmallow import fields
from openapi_spec_validator import OpenAPIV31SpecValidator

from cli.openapi import rendered
from kit.endpoint import Endpoint, endpoint
from kit.errors import NotSignedIn
from kit.openapi import document
from kit.openapi_schemas import Described, undescribed
from kit.schemas import Schema, about
from kit.web import View
from tests.authorisation import TABLE
from tests.kit.doors import bare_house, operations
from tests.openapi_parts import (
    OPERATIONAL,
    Told,
    routed_in,
    stale,
    told_in,
    wordless,
)
from tests.support.clients import Client
from tests.support.settings import make_settings

KEPT = Path(__file__).parent.parent / "docs" / "openapi.json"
SESSION: dict[str, list[str]] = {"session": []}
SERVICE: dict[str, list[str]] = {"service": []}
NAMED = {
    "get_user": "GET /api/v1/users/{id}",
    "create_user": "POST /api/v1/users",
    "update_user": "PATCH /api/v1/users/{id}",
}


@cache
def kept() -> Described:
    """Return the frozen document."""
    made: Described = orjson.loads(KEPT.read_bytes())
    return made


def described(app: web.Application) -> Described:
    """Return the document of an application."""
    return document(app, "t", "0", "")


def declared() -> list[tuple[Told, Endpoint]]:
    """Pair each operation of the document with its declaration."""
    known = {str(x): x.declared for x in operations()}
    pairs = [(told, known[str(told)]) for told in told_in(kept())]
    return [(told, found) for told, found in pairs if found is not None]


class TestFrozenDocument:
    def test_is_what_the_house_says_of_itself(self) -> None:
        text = rendered(make_settings("postgresql://h/d", "redis://h"))
        said = stale(KEPT.read_text(encoding="utf-8"), text)
        assert said == "", said

    def test_is_stale_after_any_change(self) -> None:
        text = KEPT.read_text(encoding="utf-8")
        for planted in (text + "\n", text.replace('"maximum": 1000,', '"maximum": 999,')):
            assert "shop-api openapi --output docs/openapi.json" in stale(text, planted)

    async def test_is_what_is_served(self, guest: Client) -> None:
        async with guest.get("/openapi.json") as response:
            assert (response.status, response.content_type) == (200, "application/json")
            assert orjson.loads(await response.read()) == kept()
            length = response.headers["Content-Length"]
        async with guest.head("/openapi.json") as response:
            assert (response.status, response.content_type) == (200, "application/json")
            assert (response.headers["Content-Length"], await response.read()) == (length, b"")


class TestValidator:
    def test_has_no_objection(self) -> None:
        assert list(OpenAPIV31SpecValidator(dict(kept())).iter_errors()) == []

    def test_objects_to_what_is_no_document(self) -> None:
        broken = orjson.loads(KEPT.read_bytes())
        del broken["paths"]["/api/v1/users/{id}"]["get"]["parameters"]
        broken["info"].pop("version")
        assert len(list(OpenAPIV31SpecValidator(broken).iter_errors())) >= 2


class BareView(View):
    """What somebody has added in a hurry."""

    async def get(self) -> web.Response:
        """Answer without a declaration."""
        return web.Response()


class Sketch(Schema):
    """Take a field that nothing is said of."""

    mystery = fields.String()
    hidden = fields.List(fields.Nested(Schema.from_dict({"deep": fields.String()})))
    known = fields.String(**about("What it is.", "this"))


class SketchView(View):
    """What somebody has not described."""

    @endpoint(query=Sketch(only=["mystery"]), json=Sketch(), guest=True)
    async def post(self, **_: object) -> None:
        """Take a sketch."""


class TestOperations:
    def test_are_all_those_of_the_house_and_no_others(self) -> None:
        listed = Counter(map(str, told_in(kept())))
        assert listed == Counter(routed_in(bare_house()))
        assert set(listed.values()) == {1}
        others = {name for name in TABLE if name.partition(" ")[2] not in OPERATIONAL}
        assert listed.keys() == others
        assert {x.path for x in told_in(kept())} & OPERATIONAL == set()

    def test_are_missed_when_they_are_not_declared(self) -> None:
        app = bare_house()
        app.router.add_view("/api/v1/secrets", BareView)
        listed = set(map(str, told_in(described(app))))
        assert set(routed_in(app)) - listed == {"GET /api/v1/secrets"}

    def test_have_names_of_their_own(self) -> None:
        named = Counter(x.told["operationId"] for x in told_in(kept()))
        assert named.most_common(1)[0][1] == 1
        by_name = {x.told["operationId"]: str(x) for x in told_in(kept())}
        assert {name: by_name[name] for name in NAMED} == NAMED

    def test_say_what_they_are_for(self) -> None:
        tags = {tag["name"]: tag["description"] for tag in kept()["tags"]}
        assert all(tags.values())
        for each in told_in(kept()):
            (tag,) = each.told["tags"]
            assert tag in tags, each
            assert each.told["summary"], each
            assert not each.told["summary"].endswith("."), each
            assert each.told["description"].startswith(each.told["summary"]), each
            assert all(answer["description"] for answer in each.told["responses"].values()), each

    def test_say_who_may_call_them(self) -> None:
        schemes = kept()["components"]["securitySchemes"]
        assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "session")
        assert schemes["service"]["scheme"] == "bearer"
        assert len(declared()) == len(told_in(kept()))
        for each, found in declared():
            wanted = [] if found.guest else [SESSION, SERVICE] if found.service else [SESSION]
            assert each.told["security"] == wanted, each
            codes = {code for _, code in each.codes}
            assert ("not-signed-in" in codes, "staff-only" in codes) == (
                not found.guest or NotSignedIn in found.raises,
                found.staff,
            ), each


class TestWords:
    def test_stand_at_every_parameter_and_field(self) -> None:
        assert wordless(kept()) == []
        for each, found in declared():
            schemas = [x for x in (found.json, found.query, found.returns) if x is not None]
            assert [x for schema in schemas for x in undescribed(schema)] == [], each

    def test_are_missed_where_there_are_none(self) -> None:
        app = bare_house()
        app.router.add_view("/api/v1/sketches/{id}", SketchView)
        missing = {x for x in wordless(described(app)) if "ketch" in x}
        operation = "POST /api/v1/sketches/{id} mystery"
        assert {f"{operation}: no description", f"{operation}: no example"} <= missing
        assert {x for x in missing if ".known" in x} == set()
        assert undescribed(Sketch()) == [
            "/mystery: no example",
            "/mystery: no description",
            "/hidden/deep: no example",
            "/hidden/deep: no description",
            "/hidden: no description",
        ]
