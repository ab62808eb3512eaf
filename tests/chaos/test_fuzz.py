"""Nothing that the document lets one send makes a defect or an answer that is not in it.

FUZZ_SECONDS sets how long each visitor goes on.
"""

import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import hypothesis.configuration
import pytest
import pytest_asyncio
from redis import asyncio as aioredis

from embedded.process import wait_until
from kit.db import Database
from kit.settings import Settings
from seed.load import seed
from seed.plan import Plan
from tests.chaos.fuzzing import EXCUSED, Caller, fuzz
from tests.kit.events import tell
from tests.support.clients import HASH
from tests.support.conformity import described
from tests.support.processes import PATIENCE, ShopApi, free_port
from tests.support.shops import run

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS + 240)]

FEWEST = 700  # requests in a minute
NAMES = 20_000  # who signs in once each
PEOPLE = """
INSERT INTO users (username, email, first_name, second_name, password_hash, is_staff)
SELECT kind || number, kind || number || '@example.org', 'A', 'User', CAST(:hash AS text),
    kind = 'staff'
FROM unnest(ARRAY['member', 'staff']) AS kind, generate_series(1, CAST(:names AS int)) AS number
"""


@pytest_asyncio.fixture
async def filled(
    busy_settings: Settings, busy_database: Database, redis: aioredis.Redis
) -> Settings:
    """Give a database in which there is something of everything."""
    assert await redis.ping()
    await seed(busy_settings, Plan(cities=60, orders=60, applications=60, friendships=60))
    await run(busy_database, PEOPLE, hash=HASH, names=NAMES)
    return busy_settings


@pytest.fixture
def served(filled: Settings, tmp_path: Path) -> Iterator[str]:
    """Serve the house by a process of its own; give its address."""
    port = free_port()
    process = ShopApi(
        tmp_path / "serve.log",
        "serve",
        APP_PORT=port,
        DATABASE_URL=filled.database_url,
        REDIS_URL=filled.redis_url,
        KAFKA_BOOTSTRAP_SERVERS=filled.kafka_servers,
        WEATHER_PROVIDER="fake",
        TRUSTED_PROXIES="127.0.0.1/32",
    )
    try:
        assert wait_until(lambda: '"serving"' in process.said, PATIENCE)
        yield f"http://127.0.0.1:{port}"
    finally:
        code = process.stop()
    assert code == 0
    assert '"error.stack_trace"' not in process.said


@pytest.fixture(autouse=True)
def _home_of_hypothesis(tmp_path: Path) -> None:
    """Keep what hypothesis writes out of the project."""
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path)


class Liar(BaseHTTPRequestHandler):
    """Answer whatever is asked with what no document holds."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self.answer

    def answer(self) -> None:
        """Answer 500 to changes, and else a field too many."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b'{"surprise":1}'
        self.send_response(200 if self.command == "GET" else 500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def liar() -> Iterator[str]:
    """Serve the liar; give his address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_notices_what_is_not_in_the_document(liar: str) -> None:
    paths = described()["paths"]
    few = {path: paths[path] for path in ("/api/v1/users", "/api/v1/auth/login")}
    caller = Caller(liar)
    fuzz(caller, {**described(), "paths": few}, 10.0)
    found = "\n".join(caller.found)
    assert "GET /api/v1/users 200: $: 'items' is a required property" in found
    assert "GET /api/v1/users 200: $: Additional properties are not allowed" in found
    assert "POST /api/v1/auth/login 500: application/json" in found
    assert "POST /api/v1/auth/login 500: status 500" in found


@pytest.mark.parametrize("who", ["guest", "member", "staff"])
def test_answers_are_in_the_document(served: str, who: str) -> None:
    names = None if who == "guest" else (f"{who}{number}" for number in count(1))
    caller = Caller(served, names)
    rounds = fuzz(caller, described(), SECONDS)
    asked, statuses = sum(caller.seen.values()), dict(sorted(caller.seen.items()))
    tell(
        f"\n{who}, {asked} requests in {SECONDS:.0f} s and {rounds} rounds, the slowest "
        f"{caller.slowest:.2f} s, {len(caller.reached)} operations done",
        statuses,
    )
    assert caller.found == {}, "\n".join(f"{x}\n    {y}" for x, y in caller.found.items())
    assert asked >= FEWEST * SECONDS / 60
    assert caller.seen[EXCUSED] == 0
