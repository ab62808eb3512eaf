"""What people see: the pages in a real browser that can reach no host but this one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from kit import health
from tests.support.browser import NAMES, Browser, browsing, program
from tests.support.clients import Client, problem
from tests.support.tabs import Tab

BROWSER = pytest.mark.skipif(
    program() is None, reason=f"none of {NAMES} is installed, and CHROMIUM names no browser"
)

PAGES = {  # what shows that a page is ready
    "/": "#overall.up",
    "/docs": ".opblock",
    "/redoc": "h1",
    "/problems": "td",
    "/problems/out-of-stock": "h2",
}


@pytest_asyncio.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Run one browser for all these tests."""
    async with browsing(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest_asyncio.fixture
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    """Open a page in which nothing may go wrong."""
    async with browser.tab() as opened:
        yield opened
        assert opened.troubles == []


def name_of(path: str) -> str:
    """Return how the picture of a page is called."""
    return path.strip("/").replace("/", "-") or "start"


@BROWSER
class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    async def test_loads_from_this_server_alone(
        self, server: TestServer, tab: Tab, path: str
    ) -> None:
        await tab.goto(server.make_url(path), PAGES[path])
        await tab.shoot(name_of(path))


class TestFiles:
    async def test_are_packed_kept_and_asked_for_again(self, guest: Client) -> None:
        for path in ("/static/redoc.js", "/openapi.json"):
            sizes = {}
            for coding in ("gzip", "identity"):
                response = await guest.head(path, headers={"Accept-Encoding": coding})
                assert response.headers["Cache-Control"] == "no-cache"
                assert response.headers["Vary"] == "Accept-Encoding"
                sizes[coding] = int(response.headers["Content-Length"])
            assert 3 * sizes["gzip"] < sizes["identity"]
            tag = response.headers["ETag"]
            again = await guest.get(path, headers={"If-None-Match": tag})
            assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
            assert again.headers["Cache-Control"] == "no-cache"

    @pytest.mark.parametrize("name", ["nope.js", "..%2Fsite.py", "__init__.py", "index.html"])
    async def test_are_only_those_that_pages_need(self, guest: Client, name: str) -> None:
        await problem(await guest.get(f"/static/{name}"), 404, "not-found")

    @pytest.mark.parametrize("path", ["/docs", "/docs/", "/api/docs", "/redoc", "/redoc/", "/"])
    async def test_name_no_other_host(self, guest: Client, path: str) -> None:
        response = await guest.get(path)
        assert (response.status, response.content_type) == (200, "text/html")
        assert "://" not in await response.text()

    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("text/html,*/*;q=0.8", "text/html"),
            ("TEXT/HTML", "text/html"),
            ("application/json, text/html;q=0", "application/json"),
            ("*/*", "application/json"),
        ],
    )
    async def test_are_html_for_who_names_it(self, guest: Client, accept: str, kind: str) -> None:
        for path in ("/problems", "/problems/out-of-stock"):
            response = await guest.get(path, headers={"Accept": accept})
            assert (response.content_type, response.headers["Vary"]) == (kind, "Accept")


class TestProblems:
    async def test_are_explained_with_what_to_do(self, guest: Client) -> None:
        listed = (await (await guest.get("/problems")).json())["items"]
        codes = {each["code"] for each in listed}
        assert {"out-of-stock", "not-found", "validation-failed"} < codes
        assert not {"conflict", "forbidden", "unavailable", "exhausted"} & codes
        for each in listed:
            again = "same request will fail again" in each["advice"]
            assert each["advice"].endswith(".")
            assert not (again and each["code"] == "request-in-progress")


class TestStatus:
    async def test_is_made_once_for_all_who_ask_at_once(
        self, server: TestServer, guest: Client
    ) -> None:
        asked: list[None] = []

        async def probe(_: object) -> None:
            asked.append(None)
            await asyncio.sleep(0.05)

        server.app[health.PROBES]["planted"] = probe
        answers = await asyncio.gather(*(guest.get("/status") for _ in range(30)))
        bodies = {await answer.text() for answer in answers}
        assert (len(bodies), len(asked)) == (1, 1)
        assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * 30

    async def test_does_not_ask_the_outbox_of_a_database_that_is_away(
        self, server: TestServer, guest: Client
    ) -> None:
        async def away(_: object) -> None:
            raise ConnectionError

        server.app[health.PROBES]["postgresql"] = away
        told = await (await guest.get("/status")).json()
        assert told["dependencies"]["postgresql"] == {"status": "down", "error": "ConnectionError"}
        assert told["outbox"] is None
