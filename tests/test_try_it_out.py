"""What people do with the pages: sign in and order through Swagger UI, look how things stand."""

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from kit import health
from kit.db import Database
from tests import test_pages as pages
from tests.support.browser import NAMES, program
from tests.support.clients import PASSWORD, add_user
from tests.support.shops import add_book, add_offer, add_shop, rows
from tests.support.tabs import Tab

pytestmark = pytest.mark.skipif(
    program() is None, reason=f"none of {NAMES} is installed, and CHROMIUM names no browser"
)

browser, tab = pages.browser, pages.tab

ANSWER = "#operations-shop-post_shop_orders .live-responses-table"
INSTANT = "{behavior: 'instant'}"
PHONE = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1200, "height": 900, "deviceScaleFactor": 1, "mobile": False}


async def execute(tab: Tab, operation: str, body: dict[str, Any]) -> tuple[str, str]:
    """Try an operation out in Swagger UI; return the status and what the page shows of it."""
    block = f"#operations-{operation}"
    await tab.click(f"{block} .opblock-summary-control")
    await tab.click(f"{block} .try-out__btn")
    await tab.write(f"{block} textarea.body-param__text", json.dumps(body))
    await tab.click(f"{block} .execute")
    status = await tab.text(f"{block} .live-responses-table tbody .response-col_status")
    return status.split()[0], await tab.text(f"{block} .live-responses-table")


class TestSwagger:
    async def test_signs_in_and_orders_with_the_cookie(
        self, server: TestServer, tab: Tab, house_database: Database
    ) -> None:
        anna = await add_user(house_database, "anna")
        shop, book = await add_shop(house_database), await add_book(house_database)
        offer = await add_offer(house_database, shop_id=shop, book_id=book)
        await tab.ask("Emulation.setDeviceMetricsOverride", **DESK)
        await tab.goto(server.make_url("/docs"), ".opblock")
        login = {"login": "anna", "password": PASSWORD}
        status, _ = await execute(tab, "auth-post_auth_login", login)
        assert status == "200"
        order = {"items": [{"offer_id": offer, "quantity": 2}]}
        status, shown = await execute(tab, "shop-post_shop_orders", order)
        await tab.run(f"document.querySelector('{ANSWER}').scrollIntoView({INSTANT})")
        await tab.shoot("docs-order")
        assert (status, "awaiting_payment" in shown) == ("201", True)
        assert await rows(house_database, "SELECT user_id FROM orders") == [{"user_id": anna}]


class TestStart:
    async def test_says_what_is_down(self, server: TestServer, tab: Tab) -> None:
        async def away(_: object) -> None:
            raise ConnectionError

        await tab.goto(server.make_url("/"), "#overall.up")
        server.app[health.PROBES]["kafka"] = away
        await tab.until("document.querySelector('#overall.down')")
        assert await tab.text("#overall") == "Not reachable: kafka."
        assert "demo / skytrack" in await tab.text("#logins")
        await tab.shoot("start-down")

    @pytest.mark.parametrize("path", ["/", "/problems", "/problems/out-of-stock"])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_fits_a_phone_by_day_and_by_night(
        self, server: TestServer, tab: Tab, path: str, scheme: str
    ) -> None:
        await tab.ask("Emulation.setDeviceMetricsOverride", **PHONE)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await tab.ask("Emulation.setEmulatedMedia", features=features)
        await tab.goto(server.make_url(path), pages.PAGES[path])
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")
        background = await tab.run("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
        await tab.shoot(f"{pages.name_of(path)}-phone-{scheme}")
