"""What people see: the pages in a real browser that can reach no host but this one."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from tests.support.browser import NAMES, Browser, browsing, program
from tests.support.tabs import Tab

pytestmark = pytest.mark.skipif(
    program() is None, reason=f"none of {NAMES} is installed, and CHROMIUM names no browser"
)

PAGES = {  # what shows that a page is ready
    "/": "#overall.up",
    "/docs": ".opblock",
    "/redoc": "h1",
    "/problems": "td",
    "/problems/out-of-stock": "h2",
}
PHONE = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
LOGIN, ORDER = "#operations-auth-post_auth_login", "#operations-shop-post_shop_orders"


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


class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    async def test_loads_from_this_server_alone(
        self, server: TestServer, tab: Tab, path: str
    ) -> None:
        await tab.goto(server.make_url(path), PAGES[path])
        await tab.shoot(name_of(path))
