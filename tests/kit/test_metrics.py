"""What the house counts and shows at /metrics, in one process."""

import asyncio
import time
from dataclasses import replace

import pytest
from aiohttp import ClientSession, ClientTimeout

from kit.cache import Cache
from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.caching import NAME, Row, shown
from tests.kit.conftest import VisitAt
from tests.kit.doors import UNKNOWN, dead_port
from tests.kit.events import commit_many, own_name, park, until
from tests.kit.scraping import Scraped, scrape
from tests.support.clients import API, Client, add_user, sign_in
from tests.support.keys import APPLICATIONS, ORDERS, application, post
from tests.support.shops import add_offer, lines, run

REQUESTS = "http_request_duration_seconds_count"
ODD = ("PROPFIND", "MKCOL", "LOCK", "SEARCH", "PURGE")
POOL = "shop_api_db_pool_connections"
FIGURES = ("waiting", "lag_seconds", "parked")


class TestRequests:
    async def test_are_counted_by_route_method_and_status(self, guest: Client) -> None:
        labels = {"method": "GET", "route": f"{API}/users/{{id}}", "status": "401"}
        before = (await scrape(guest)).count(REQUESTS, **labels)
        for user_id in range(1, 6):
            await guest.get(f"{API}/users/{user_id}")
        after = await scrape(guest)
        assert after.count(REQUESTS, **labels) == before + 5
        buckets = [
            after.count("http_request_duration_seconds_bucket", **labels, le=le)
            for le in ("0.005", "0.1", "5.0", "+Inf")
        ]
        assert buckets == sorted(buckets)
        assert buckets[-1] == before + 5

    async def test_of_unknown_paths_and_odd_methods_share_their_labels(
        self, guest: Client
    ) -> None:
        before = await scrape(guest)
        for number, method in enumerate(ODD):
            await guest.get(f"{UNKNOWN}/{number}")
            await guest.request(method, f"{UNKNOWN}/{number}")
        after = await scrape(guest)
        for method in ("GET", "other"):
            labels = {"method": method, "route": "unknown", "status": "404"}
            assert after.count(REQUESTS, **labels) == before.count(REQUESTS, **labels) + len(ODD)
        assert after.labels(REQUESTS, "method") & set(ODD) == set()
        assert UNKNOWN not in after.text

    async def test_in_progress_are_those_of_this_moment(
        self, serve: Serve, settings: Settings, house_database: Database
    ) -> None:
        server = await serve(settings, house_database)
        name = "http_requests_in_progress"
        async with ClientSession(timeout=ClientTimeout(total=30)) as session:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(
                b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            )

            async def shows(number: int) -> bool:
                async with session.get(server.make_url("/metrics")) as response:
                    return Scraped(await response.text()).of(name) == number

            await until(lambda: shows(2))  # one waits for its body, one scrapes
            writer.close()
            await until(lambda: shows(1))


class TestOutbox:
    async def test_shows_what_waits_how_long_and_what_is_parked(
        self, visit_at: VisitAt, busy_settings: Settings, busy_database: Database
    ) -> None:
        client, topic = await visit_at(busy_settings, None), own_name()
        await commit_many(busy_database, topic, 7)
        async with busy_database.writing() as session:
            await park(session, 1, 2)
        older = "UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE id < 5"
        await run(busy_database, older)
        found = [(await scrape(client)).of(f"shop_api_outbox_{name}") for name in FIGURES]
        assert (found[0], found[2]) == (5, 2)
        assert found[1] == pytest.approx(3600, abs=60)
        await run(busy_database, "UPDATE outbox SET published_at = now()")

        async def is_empty() -> bool:  # an answer is kept for a second
            seen = await scrape(client)
            return [seen.of(f"shop_api_outbox_{x}") for x in FIGURES] == [0, 0, 2]

        await until(is_empty)

    @pytest.mark.parametrize("fault", ["refuses", "frozen"])
    async def test_is_said_to_be_unknown_without_postgresql(
        self, visit_at: VisitAt, settings: Settings, fault: str
    ) -> None:
        async with await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0) as it:
            port = it.sockets[0].getsockname()[1] if fault == "frozen" else dead_port()
            away = replace(settings, database_url=f"postgresql://postgres@127.0.0.1:{port}/none")
            client = await visit_at(away, None)
            started = time.monotonic()
            found = await scrape(client)
            assert time.monotonic() - started <= 5
        assert found.of("shop_api_outbox_up") == 0
        assert [found.of(f"shop_api_outbox_{name}") for name in FIGURES] == [None] * 3
        assert found.of("http_requests_in_progress") is not None


class TestPool:
    async def test_shows_connections_in_use_and_at_rest(
        self, visit_at: VisitAt, busy_settings: Settings, busy_database: Database
    ) -> None:
        client = await visit_at(busy_settings, None)
        before = await scrape(client)
        async with busy_database.writing() as session:
            await session.connection()
            during = await scrape(client)
        after = await scrape(client)
        in_use = [one.count(POOL, state="in_use") for one in (before, during, after)]
        assert in_use == [in_use[0], in_use[0] + 1, in_use[0]]
        assert after.count(POOL, state="idle") >= 1
        assert after.count("shop_api_db_pool_size") >= 10


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


class TestExposition:
    async def test_is_what_openmetrics_readers_want_when_they_say_so(self, guest: Client) -> None:
        accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
        async with guest.get("/metrics", headers=accept) as response:
            assert response.content_type == "application/openmetrics-text"
            assert (await response.text()).endswith("# EOF\n")
            assert response.headers["Cache-Control"] == "no-store"

    async def test_names_no_person(self, alice: Client) -> None:
        await alice.get(f"{API}/users/me?canary=canary-17")
        await sign_in(alice, "canary@example.org", "canary-18")
        text = (await scrape(alice)).text
        assert "alice" not in text
        assert "canary" not in text
