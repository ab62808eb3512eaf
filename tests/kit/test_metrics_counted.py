"""What the house counts besides requests: lookups, sign-ins, refusals, orders, applications."""

from dataclasses import replace

from kit.cache import Cache
from kit.db import Database
from kit.settings import Settings
from tests.kit.caching import NAME, Row, shown
from tests.kit.conftest import VisitAt
from tests.kit.events import own_name
from tests.kit.scraping import scrape
from tests.support.clients import Client, add_user, sign_in
from tests.support.keys import APPLICATIONS, ORDERS, application, post
from tests.support.shops import add_offer, lines


class TestLookups:
    async def test_are_hits_misses_or_without_redis(
        self, guest: Client, cache: Cache, row: Row
    ) -> None:
        name = NAME.partition("/")[0]
        before = await scrape(guest)
        for _ in range(3):
            await shown(cache, row)
        after = await scrape(guest)
        figures = {
            result: after.count("shop_api_cache_lookups_total", cache=name, result=result)
            - before.count("shop_api_cache_lookups_total", cache=name, result=result)
            for result in ("miss", "hit", "away")
        }
        assert figures == {"miss": 1, "hit": 2, "away": 0}


class TestSignIns:
    async def test_that_fail_are_counted_by_reason(
        self, visit_at: VisitAt, settings: Settings, house_database: Database
    ) -> None:
        client = await visit_at(settings, house_database)
        await add_user(house_database, "anna")
        before = await scrape(client)
        for _ in range(12):
            await sign_in(client, "anna", "wrong")
        assert (await sign_in(client, "boris")).status == 401
        reasons = ("credentials", "throttled", "unavailable")
        name = "shop_api_sign_in_failures_total"
        after = await scrape(client)
        more = [after.count(name, reason=x) - before.count(name, reason=x) for x in reasons]
        assert more == [11, 2, 0]
        refused = "shop_api_rate_limit_refusals_total"
        grown = after.count(refused, limit="login") - before.count(refused, limit="login")
        assert grown == 2

    async def test_without_redis_are_unavailable(
        self, visit_at: VisitAt, without_redis: Settings, house_database: Database
    ) -> None:
        client = await visit_at(without_redis, house_database)
        name = "shop_api_sign_in_failures_total"
        before = (await scrape(client)).count(name, reason="unavailable")
        assert (await sign_in(client, "anna")).status == 503
        assert (await scrape(client)).count(name, reason="unavailable") == before + 1


class TestWhatIsDone:
    async def test_orders_are_counted_once_a_key_and_not_when_refused(
        self, alice: Client, house_database: Database
    ) -> None:
        offer_id, name = await add_offer(house_database), "shop_api_orders_total"
        before = (await scrape(alice)).count(name)
        key = own_name()
        for _ in range(3):
            assert (await post(alice, key, json=lines((offer_id, 1)))).status == 201
        assert (await alice.post(ORDERS, json=lines((offer_id, 1)))).status == 201
        assert (await alice.post(ORDERS, json=lines((offer_id, 1000)))).status == 409
        assert (await post(alice, own_name(), json=lines((offer_id, 1000)))).status == 409
        assert (await scrape(alice)).count(name) == before + 2

    async def test_applications_are_counted_and_refusals_of_the_limiter(
        self, visit_at: VisitAt, settings: Settings, house_database: Database
    ) -> None:
        client = await visit_at(replace(settings, rate_limiter_calls=2), house_database)
        before = await scrape(client)
        statuses = [(await client.post(APPLICATIONS, json=application())).status for _ in "123"]
        assert statuses == [201, 201, 429]
        after = await scrape(client)
        name = "shop_api_applications_total"
        assert after.count(name) == before.count(name) + 2
        refused = ("shop_api_rate_limit_refusals_total", {"limit": "applications"})
        assert after.count(refused[0], **refused[1]) == before.count(refused[0], **refused[1]) + 1
