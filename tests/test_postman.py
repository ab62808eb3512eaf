"""The Postman collection is fresh, complete, and green twice in a row on the same data."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import hdrs
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from openapi_schema_validator import OAS31Validator

from cli import main, postman_flow
from cli.postman import FILE as NAME
from cli.postman import rendered
from kit.db import Database
from kit.postman import FLOW, Chapter, FlowError, collection
from kit.postman_requests import Step
from kit.settings import Settings
from seed.load import seed
from seed.plan import Plan
from tests.conftest import Serve
from tests.kit.doors import operations
from tests.kit.events import tell
from tests.postman_coverage import own, uncovered
from tests.postman_replay import (
    DYNAMIC,
    Postman,
    alone,
    expected,
    faults,
    requests,
    used,
    variables,
)
from tests.postman_shape import COLLECTION
from tests.seed.tools import SMALL
from tests.support.conformity import described
from tests.support.settings import make_settings
from tests.support.shops import add_shop, value

FILE = Path(__file__).parent.parent / NAME
Described = dict[str, Any]

# what a run takes back: people, their ties, and stock
LEFT = """
SELECT row(
    (SELECT count(*) FROM users WHERE deleted_at IS NULL), (SELECT count(*) FROM friendships),
    (SELECT count(*) FROM registrations), (SELECT count(*) FROM cart_items),
    (SELECT sum(available) FROM offers), (SELECT sum(price) FROM offers),
    (SELECT count(*) FROM cities))::text
"""


@pytest.fixture
def ours() -> Described:
    """Read the collection."""
    found: Described = orjson.loads(FILE.read_bytes())
    return found


class TestFile:
    def test_is_what_the_document_and_the_flow_give(self) -> None:
        made = rendered(make_settings("postgresql://h/d", "redis://h"))
        command = f"shop-api postman --output {NAME}"
        assert FILE.read_text() == made, f"{NAME} is stale: {command}"

    def test_has_the_shape_of_a_collection(self, ours: Described) -> None:
        wrong = OAS31Validator(COLLECTION).iter_errors(ours)
        assert [f"{error.json_path}: {error.message[:200]}" for error in wrong] == []

    def test_checks_every_request_and_saves_an_example_of_every_result(
        self, ours: Described
    ) -> None:
        for item in requests(ours):
            checked = expected(item)
            assert checked["within"] == 5000
            assert checked["status"] == sorted(saved["code"] for saved in item["response"])
            for saved in item["response"]:
                assert (checked["schema"] is None) == (saved["body"] == ""), item["name"]
                if saved["body"]:
                    body = orjson.loads(saved["body"])
                    assert list(OAS31Validator(checked["schema"]).iter_errors(body)) == []
                    assert {"key": "Content-Type", "value": "application/json"} in saved["header"]

    def test_tells_requests_apart_by_name(self, ours: Described) -> None:
        names = [item["name"] for folder in ours["item"] for item in folder["item"]]
        assert {name for name in names if names.count(name) > 1} == {FLOW}

    def test_signs_in_first_and_out_last_as_a_login_that_is_shown(self, ours: Described) -> None:
        first, *_, last = requests(ours)
        assert first["request"]["url"]["raw"].endswith("/auth/login")
        assert last["request"]["url"]["raw"].endswith("/auth/logout")
        preset = {name: text for name, text in variables(ours).items() if text}
        assert preset["baseUrl"] == "http://127.0.0.1:8000"
        assert (preset["demoLogin"], preset["demoPassword"]) == ("demo", "skytrack")

    def test_needs_nothing_that_was_not_given_before(self, ours: Described) -> None:
        known = {name for name, text in variables(ours).items() if text} | set(DYNAMIC)
        for item in requests(ours):
            assert used(item) <= known, item["name"]
            known |= set(expected(item)["remember"])
        assert known == set(variables(ours)) | set(DYNAMIC)


class TestCoverage:
    def test_has_one_request_for_each_operation_of_document_and_routes(
        self, ours: Described
    ) -> None:
        assert uncovered(ours) == {}
        routes = [x for x in operations() if x.declared and x.method != hdrs.METH_HEAD]
        in_document = sum(len(methods) for methods in described()["paths"].values())
        counts = len(routes), in_document, len(own(ours))
        tell("operations in routes, document, collection", counts)
        assert len(set(counts)) == 1

    def test_notices_a_request_that_is_missing(self, ours: Described) -> None:
        *_, shop = (folder for folder in ours["item"] if folder["name"] == "shop")
        shop["item"] = [item for item in shop["item"] if item["name"] != "Show the own cart"]
        assert uncovered(ours) == {("GET", "/api/v1/shop/cart"): 1}

    @pytest.mark.parametrize(
        ("chapters", "fault"),
        [
            (postman_flow.CHAPTERS[1:], "get_auth_sessions has no place in the flow"),
            ((*postman_flow.CHAPTERS, postman_flow.CHAPTERS[0]), "post_auth_login has several"),
            (
                (*postman_flow.CHAPTERS, Chapter("n", "n", [Step("get_news")])),
                "get_news is not in the document",
            ),
        ],
        ids=["missing", "twice", "unknown"],
    )
    def test_is_demanded_of_the_flow(
        self, monkeypatch: pytest.MonkeyPatch, chapters: tuple[Chapter, ...], fault: str
    ) -> None:
        with pytest.raises(FlowError, match=fault):
            collection(dict(described()), chapters, {})
        monkeypatch.setattr(postman_flow, "CHAPTERS", chapters)
        refused = CliRunner().invoke(main, ["postman"])
        assert refused.exit_code == 1
        assert refused.output.startswith("Error: cli/postman_flow.py: ")
        assert fault in refused.output


async def serve_seeded(serve: Serve, settings: Settings, plan: Plan) -> str:
    """Serve a house with made-up people and things; return its address."""
    await seed(settings, plan)
    return str((await serve(settings, None)).make_url("/"))


@pytest.mark.concurrent
class TestReplay:
    async def test_is_green_twice_and_leaves_nobody_and_nothing_behind(
        self, serve: Serve, busy_settings: Settings, busy_database: Database, ours: Described
    ) -> None:
        url = await serve_seeded(serve, busy_settings, Plan())
        before = await value(busy_database, LEFT)
        for _ in range(2):
            outcomes = await Postman(ours, url).run()
            assert faults(outcomes) == []
            tell("requests, slowest in ms", (len(outcomes), max(x.milliseconds for x in outcomes)))
            assert await value(busy_database, LEFT) == before

    async def test_would_be_red_the_second_time_if_the_newcomer_always_had_the_same_name(
        self, serve: Serve, busy_settings: Settings, ours: Described
    ) -> None:
        url = await serve_seeded(serve, busy_settings, SMALL)
        same = orjson.loads(re.sub(rb"-\{\{\$\w+\}\}", b"", orjson.dumps(ours)))
        assert faults(await Postman(same, url).run()) == []
        first, *_ = faults(await Postman(same, url).run())
        assert "answered 409" in first


class TestReplayNotices:
    @pytest.mark.parametrize(
        ("planted", "fault"),
        [
            ({"status": [418]}, "answered 200"),
            ({"within": 0}, "took "),
            ({"schema": {"required": ["news"]}}, "'news' is a required property"),
            ({"schema": None}, "has a body"),
            ({"remember": {"shopId": "items.*site.id"}}, "does not give shopId"),
        ],
        ids=["status", "time", "field", "body", "variable"],
    )
    async def test_what_differs(
        self,
        server: TestServer,
        house_database: Database,
        ours: Described,
        planted: Described,
        fault: str,
    ) -> None:
        await add_shop(house_database, site=None)
        *_, only = (x for x in requests(ours) if x["name"] == "List shops by name")
        url = str(server.make_url("/"))
        assert faults(await Postman(alone(only), url).run()) == []
        assert fault in faults(await Postman(alone(only, **planted), url).run())[0]
