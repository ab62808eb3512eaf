"""Two houses at two addresses under one name."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from embedded.process import wait_until
from kit.settings import Settings
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi, free_port

HERE = ("127.0.0.2", "127.0.0.3")
LIMIT = 3  # applications that a visitor may send in a minute

Visit = Callable[..., ClientSession]


def own_id() -> dict[str, str]:
    """Return a header that makes a request findable in the logs."""
    return {"X-Request-ID": f"seen-{uuid.uuid4().hex}"}


@dataclass(frozen=True)
class Town:
    """Houses on one port at different addresses, and the database that they share."""

    houses: list[ShopApi]
    port: str
    settings: Settings

    def routes(self, request_id: str) -> list[str]:
        """Return which routes of the houses a request has reached."""
        said = (line for house in self.houses for line in house.said.splitlines())
        told = lines_of("\n".join(line for line in said if request_id in line))
        return [line["route"] for line in told if line["event"] == "request"]


@contextmanager
def settled(folder: Path, settings: Settings) -> Iterator[Town]:
    """Run the houses until the block is left."""
    port = free_port()
    with ExitStack() as stack:
        houses = [
            ShopApi(
                folder / f"{address}.log",
                "serve",
                APP_HOST=address,
                APP_PORT=port,
                COOKIE_SECURE="true",
                DATABASE_URL=settings.database_url,
                RATE_LIMITER_CALLS=str(LIMIT),
                REDIS_URL=settings.redis_url,
                TRUSTED_PROXIES="127.0.0.1",
                WEATHER_PROVIDER="fake",
            )
            for address in HERE
        ]
        for house in houses:
            stack.callback(house.stop)
        for house in houses:
            stack.callback(house.process.terminate)  # both of them, then each is waited for
        assert wait_until(lambda: all('"serving"' in x.said for x in houses), PATIENCE)
        yield Town(houses, port, settings)
