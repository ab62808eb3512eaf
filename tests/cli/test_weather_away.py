"""`shop-api dev` where the weather service cannot be reached: it starts, answers and ends."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from redis import asyncio as aioredis

from embedded.process import wait_until
from kit.settings import Settings
from tests.kit.events import tell
from tests.support.clients import API
from tests.support.http import fetch
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi, free_port

CITIES = f"{API}/picnic/cities"
PAGES = 5  # of the seeded cities
LIST_LIMIT = 2.0  # seconds, by the contract
STOP_LIMIT = 10.0  # seconds, by the promise
TEMPERATURE = -7.5
IMPATIENT = """
import cli
from picnic.weather import forecasts, http
forecasts.FAILED, http.LEFT_ALONE = 1, 1.0
cli.main()
"""
NOWHERE = "nameserver 192.0.2.1\n"  # an address that nobody has, so nobody answers
BLACK_HOLE = """
mount --bind "$1" /etc/resolv.conf && shift && exec "$@"
"""
APART = ["unshare", "--mount", "sh", "-c", BLACK_HOLE, "sh"]


class House(ShopApi):
    """A running house that looks for the weather again after a second."""

    program: ClassVar = [sys.executable, "-c", IMPATIENT]

    @property
    def url(self) -> str:
        """Return the address from the banner, "" before it is printed."""
        lines = [line.split() for line in self.said.splitlines()]
        return next((words[1] for words in lines if words[:1] == ["shop-api"]), "")

    @property
    def told(self) -> Counter[str]:
        """Return how often each thing was said of the weather."""
        lines = [line for line in self.said.splitlines() if line[:1] + line[-1:] == "{}"]
        events = [line["event"] for line in lines_of("\n".join(lines))]
        return Counter(event for event in events if "weather" in event)

    def cities(self, page: int) -> tuple[list[Any], float]:
        """Return the weather of a page of cities, and the seconds that it took."""
        started = time.monotonic()
        document = orjson.loads(fetch(f"{self.url}{CITIES}?page={page}"))
        return [city["weather"] for city in document["items"]], time.monotonic() - started

    def leave(self) -> float:
        """End the house, which must end well; return the seconds that it took."""
        started = time.monotonic()
        assert self.stop() == 0, self.said
        return time.monotonic() - started


class Deaf(House):
    """A house whose questions for names are answered by nobody; no one else's are touched."""

    program: ClassVar = []


Start = Callable[..., House]


@pytest.fixture
def start(busy_settings: Settings, redis: aioredis.Redis, tmp_path: Path) -> Iterator[Start]:
    """Give a way to start the house on empty servers of this test, and wait until it is up."""
    servers = {
        "DATABASE_URL": busy_settings.database_url,
        "REDIS_URL": busy_settings.redis_url,
    }
    with ExitStack() as stack:

        def begin(kind: type[House], *arguments: str, **environment: str) -> House:
            named: Mapping[str, str] = {"WEATHER_PROVIDER": "open-meteo", **environment}
            house = kind(
                tmp_path / "dev.log",
                *(*arguments, "dev", "--folder", str(tmp_path / "house")),
                APP_PORT=free_port(),
                **servers,
                **named,
            )
            stack.callback(house.stop)
            assert wait_until(lambda: bool(house.url) or house.ended, PATIENCE), house.said
            assert not house.ended, house.said
            return house

        yield begin


class OpenMeteo(BaseHTTPRequestHandler):
    """Tell that it is as warm everywhere, in the words of Open-Meteo."""

    def do_GET(self) -> None:
        """Answer one question."""
        places = parse_qs(urlsplit(self.path).query)["latitude"][0].split(",")
        current = {"time": int(time.time()), "temperature_2m": TEMPERATURE}
        body = json.dumps([{"current": current} for _ in places]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def open_meteo(port: str) -> Iterator[None]:
    """Keep a weather service at a port."""
    with ThreadingHTTPServer(("127.0.0.1", int(port)), OpenMeteo) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def ask_ten_times(house: House) -> list[float]:
    """Ask for all seeded cities twice: nobody knows their weather; return the seconds."""
    took = []
    for page in [*range(1, PAGES + 1)] * 2:
        weather, seconds = house.cities(page)
        assert weather == [None] * 20
        took.append(round(seconds, 3))
    return took


def can_be_apart() -> bool:
    """Tell whether a process may have names answered by somebody of its own."""
    if not shutil.which("unshare"):
        return False
    tried = subprocess.run([*APART, os.devnull, "true"], capture_output=True)
    return tried.returncode == 0


class TestRefusing:
    def test_is_said_once_until_it_is_back(self, start: Start) -> None:
        port = free_port()
        house = start(House, WEATHER_URL=f"http://127.0.0.1:{port}")
        took = ask_ten_times(house)
        tell("seconds of each list, the weather refusing", took)
        assert max(took) < LIST_LIMIT
        assert wait_until(lambda: house.told["weather away"] == 1, PATIENCE)

        def knows() -> bool:
            return all(all(house.cities(page)[0]) for page in range(1, PAGES + 1))

        with open_meteo(port):
            assert wait_until(knows, PATIENCE, 0.1), house.said
            assert wait_until(lambda: house.told["weather back"] == 1, PATIENCE)
            assert house.cities(1)[0][0]["temperature"] == TEMPERATURE
        seconds = house.leave()
        tell("seconds until the end", round(seconds, 2))
        assert seconds < STOP_LIMIT
        assert house.told == {"weather away": 1, "weather back": 1}
        assert "Traceback" not in house.said


@pytest.mark.skipif(not can_be_apart(), reason="needs the right to hide a file from one process")
class TestNoNames:
    def test_hold_up_neither_lists_nor_the_end(self, start: Start, tmp_path: Path) -> None:
        nowhere = tmp_path / "resolv.conf"
        nowhere.write_text(NOWHERE)
        house = start(Deaf, *APART, str(nowhere), *House.program, WEATHER_URL="")
        took = ask_ten_times(house)
        tell("seconds of each list, no answer to names", took)
        assert max(took) < LIST_LIMIT
        seconds = house.leave()
        tell("seconds until the end", round(seconds, 2))
        assert seconds < STOP_LIMIT
        assert house.told["weather away"] <= 1
        assert "Traceback" not in house.said
