"""The README is true: its examples are replayed, its tables made anew, its names looked up."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from cli import main
from seed.load import seed
from seed.plan import Plan
from tests.conftest import Fresh, Serve
from tests.readme_endpoints import Described, operations, page
from tests.readme_generated import ENDPOINTS, README, ROOT, filled
from tests.readme_replay import Command, Terminal, commands, differences
from tests.readme_sent import alike, in_turn, send
from tests.readme_settings import meanings
from tests.support.conformity import misfits

WRITE = "run `python -m tests.readme_generated`"
TEXT = README.read_text(encoding="utf-8")
PAGES = [README, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))]
PAGES += [ROOT / "docs/architecture.md", ENDPOINTS]
PAGES += [ROOT / "docs" / name for name in ("operations.md", "scaling.md")]
LINK = re.compile(r"\]\(([^)\s]+)\)")
REFUSED = {  # examples that meet what is over, paid, taken or somebody else's already
    "post_shop_cancel": "wrong-order-status",
    "post_shop_pay": "wrong-order-status",
    "post_picnic_registrations": "picnic-over",
    "delete_picnic_own_registration": "picnic-over",
    "patch_users_me": "email-taken",
    "update_user": "email-taken",
    "patch_friends_friendship": "not-your-friendship",
    "delete_friends_friendship": "not-your-friendship",
    "delete_auth_session": "session-not-found",
}
FILE = re.compile(r"`((?:[\w-]+/)+[\w.-]*\.[a-z]+)`")
LEAST = 15  # commands, so that a change of their form does not leave them out unseen


@pytest_asyncio.fixture
async def house(fresh_database: Fresh, serve: Serve) -> TestServer:
    """Serve a house that was seeded as `make up` does it."""
    settings = await fresh_database()
    await seed(settings, Plan())
    return await serve(settings, None)


@pytest_asyncio.fixture
async def terminal(house: TestServer) -> AsyncIterator[Terminal]:
    """Open a terminal in which `curl` reaches that house."""
    opened = Terminal(house)
    yield opened
    await opened.close()


class TestExamples:
    @pytest.mark.concurrent
    async def test_print_what_the_readme_shows(self, terminal: Terminal) -> None:
        found = commands(TEXT)
        assert len(found) >= LEAST
        assert len(found) == TEXT.count("$ curl")
        wrong = [x for command in found for x in differences(command, await terminal.run(command))]
        assert wrong == []

    @pytest.mark.parametrize(
        ("shown", "printed"),
        [
            ('{"price":"3.14"}', '{"price":"3.15"}'),
            ('{"price":"3.14"}', '{"price":"3.14","more":1}'),
            ('{"id":1,"age":4}', '{"age":4,"id":1}'),
            ('{"created_at":"2026-01-01T00:00:00Z"}', '{"created_at":"yesterday"}'),
            ('{"next_cursor":"MTc5"}', '{"next_cursor":null}'),
            ("RateLimit-Remaining: 18", "RateLimit-Remaining: 19"),
            ("Idempotent-Replayed: true", ""),
        ],
    )
    def test_notice_what_is_not_so(self, shown: str, printed: str) -> None:
        assert differences(Command("curl", (shown,)), [shown]) == []
        assert differences(Command("curl", (shown,)), [printed]) != []

    def test_do_not_mind_times_ages_cursors_and_request_ids(self) -> None:
        shown = '{"created_at":"2026-01-01T00:00:00Z","age":4,"next_cursor":"a","request_id":"a"}'
        later = '{"created_at":"2027-01-01T00:00:01Z","age":5,"next_cursor":"b","request_id":"b"}'
        assert differences(Command("curl", (shown,)), [later]) == []


class TestTables:
    def test_are_not_stale(self) -> None:
        assert filled(TEXT) == TEXT, WRITE

    def test_notice_what_was_changed_by_hand(self) -> None:
        for word in ("Register a new user", "how many applications"):
            assert word in TEXT
            assert filled(TEXT.replace(word, "something else")) == TEXT

    def test_need_their_markers(self) -> None:
        with pytest.raises(ValueError, match="settings"):
            filled(TEXT.replace("<!-- end of settings -->", ""))

    def test_say_something_of_each_setting_once(self) -> None:
        assert [name for name, words in meanings().items() if not words] == []


class TestEndpoints:
    @pytest.mark.concurrent
    async def test_answer_the_examples_in_the_shape_of_the_examples(
        self, house: TestServer
    ) -> None:
        answers = {x.name: await send(house, x) for x in in_turn(operations())}
        assert {name: x.complaint for name, x in answers.items() if x.complaint} == {}
        refused = {name: x.code for name, x in answers.items() if x.code}
        assert refused == REFUSED

    def test_are_not_stale(self) -> None:
        assert ENDPOINTS.read_text(encoding="utf-8") == page(), WRITE

    @pytest.mark.parametrize(
        ("shown", "told"),
        [
            ({"id": 1}, {"id": "1"}),
            ({"id": 1}, {}),
            ({"id": 1}, {"id": 1, "more": 1}),
            ({"items": [{"id": 1}]}, {"items": [{"id": 1}, {"name": "x"}]}),
            ({"weather": {"temperature": 1.5}}, {"weather": 1.5}),
            ({"current": True}, {"current": 1}),
        ],
    )
    def test_would_notice_another_shape(self, shown: object, told: object) -> None:
        assert alike(shown, shown)
        assert not alike(shown, told)

    @pytest.mark.parametrize("operation", operations(), ids=lambda x: x.name)
    def test_show_examples_that_fit_what_each_answer_must_fit(self, operation: Described) -> None:
        assert list(operation.unfit(misfits)) == []


class TestNames:
    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
    def test_lead_somewhere(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        for target in LINK.findall(text):
            if target.startswith("https://"):
                continue
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target

    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
    def test_of_files_are_those_of_files_that_are_there(self, path: Path) -> None:
        named = set(FILE.findall(path.read_text(encoding="utf-8")))
        assert [name for name in named if not (ROOT / name).exists()] == []

    def test_of_commands_are_those_of_commands_that_are_there(self) -> None:
        told = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
        targets = set(
            re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
        )
        assert set(re.findall(r"`(?:\w+=\S+ )*make ([a-z-]+)", told)) <= targets
        assert set(re.findall(r"`(?:\S+ )*shop-api ([a-z]+)", told)) <= set(main.commands)


def anchors(file: Path) -> set[str]:
    """Return what the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
