"""What the house counts and shows at /metrics, in one process."""

import asyncio
import time
from dataclasses import replace

import pytest
from aiohttp import ClientSession, ClientTimeout

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.conftest import VisitAt
from tests.kit.doors import UNKNOWN, dead_port
from tests.kit.events import commit_many, own_name, park, until
from tests.kit.gates import silent_server
from tests.kit.scraping import Scraped, scrape
from tests.support.clients import API, Client, sign_in
from tests.support.shops import run

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
        async with silent_server() as frozen:
            address = frozen if fault == "frozen" else f"127.0.0.1:{dead_port()}"
            away = replace(settings, database_url=f"postgresql://postgres@{address}/none")
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
