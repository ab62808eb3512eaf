"""Ask a provider over HTTP: bounded in time, size and number, and left alone while it fails."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar, TypeVar

import stamina
from aiohttp import (
    ClientSession,
    hdrs,
)
from purgatory import AsyncCircuitBreakerFactory, ContextChanged
from purgatory.domain.model import OpenedState
from yarl import URL

from kit import metrics
from kit.client import body_of
from kit.flights import Flights
from kit.log import logger
from picnic.entities import fold
from picnic.weather.outages import ODD, Glitch, Odd, Outage, outage_of, unclear
from picnic.weather.protocol import Answer, Coordinates, Observations, Unavailable

LIMIT = 1.5  # seconds for a call, its second try included
CONNECT_LIMIT = 0.5  # seconds
AT_ONCE = 8  # calls
LARGEST_ANSWER = 64 * 1024  # bytes
TURN = 5.0  # seconds for which what nobody waits for waits for its turn
TRIES = 2
PAUSE = 0.05  # seconds before the second try, and up to as many more by chance
FAILURES = 4  # in a row, after which the provider is left alone
LEFT_ALONE = 15.0  # seconds


STATES = {"closed": 0, "half-opened": 1, "opened": 2}
BREAKER = metrics.gauge(
    "shop_api_breaker_state",
    "0 closed, 1 half open, 2 open: the provider is left alone.",
    mode="livemax",
    **dict.fromkeys(("provider", "call"), ()),
)

T = TypeVar("T")

Read = Callable[[int, Any], T]  # status and document -> what they say, or an error when nothing


HARMLESS: list[Any] = [Odd, asyncio.CancelledError]  # no reason to leave a provider alone


class HttpWeather(ABC):
    """Ask a provider; only a clear answer counts."""

    places_at_once: int
    clear: ClassVar[frozenset[int]] = frozenset({200})  # statuses that say something

    def __init__(self, client: ClientSession) -> None:
        self._client = client
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._finding: Flights[Answer] = Flights()
        self._breakers = AsyncCircuitBreakerFactory(FAILURES, LEFT_ALONE, HARMLESS)
        self._breakers.add_listener(self._tell)
        self._away: set[str] = set()
        self._causes: dict[str, str] = {}
        for call in ("find", "observe"):
            BREAKER.of(type(self).__name__, call).set(STATES["closed"])

    async def find(self, name: str) -> Answer:
        """Look for a city by its name; who asks for the same at once gets the same answer."""
        return await self._finding.join(fold(name), partial(self._answer, name))

    async def _answer(self, name: str) -> Answer:
        try:
            return await self._find(name)
        except Outage as outage:
            return Unavailable(str(outage))

    async def observe(self, places: Sequence[Coordinates]) -> Observations | Unavailable:
        """Return what is known of at most `places_at_once` places."""
        try:
            return await self._observe(places)
        except Outage as outage:
            return Unavailable(str(outage))

    @abstractmethod
    async def _find(self, name: str) -> Answer:
        """Look for a city.

        Raises:
            Outage: nobody can tell.
        """

    @abstractmethod
    async def _observe(self, places: Sequence[Coordinates]) -> Observations:
        """Return what is known of places.

        Raises:
            Outage: nobody can tell.
        """

    async def get(
        self, call: str, url: URL, read: Read[T], *, turn: float = LIMIT, within: float = LIMIT
    ) -> T:
        """Return what an answer says.

        call: its name for the breaker; turn, within: seconds until the call may begin, and then.

        Raises:
            Outage: there is no clear answer.
        """
        try:
            async with self._place(turn):
                deadline = asyncio.get_running_loop().time() + within
                return await self._try_twice(call, partial(self._try, call, url, read, deadline))
        except OpenedState as state:
            state.with_traceback(None)  # it is raised each time, and would keep what it has seen
            raise Outage("left alone") from None

    @asynccontextmanager
    async def _place(self, turn: float) -> AsyncIterator[None]:
        """Wait for a place among the calls; that there is none is not the provider's fault."""
        try:
            async with asyncio.timeout(turn):
                await self._at_once.acquire()
        except TimeoutError:
            raise Outage("too many calls at once") from None
        try:
            yield
        finally:
            self._at_once.release()

    async def _try_twice(self, call: str, attempt: Callable[[], Awaitable[T]]) -> T:
        tries = stamina.retry_context(
            on=Glitch, attempts=TRIES, wait_initial=PAUSE, wait_max=2 * PAUSE, wait_jitter=PAUSE
        )
        async for a_try in tries:
            with a_try:
                async with await self._breakers.get_breaker(call):
                    return await attempt()
        raise AssertionError("the last try returns or raises")

    async def _try(self, call: str, url: URL, read: Read[T], deadline: float) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                status, body = await self._ask(url)
            if status not in self.clear:
                raise unclear(status)
            return read(status, json.loads(body))  # NaN is read: one odd place is no outage
        except Outage as outage:
            self._causes[call] = str(outage)
            raise
        except (OSError, *ODD) as error:
            failed = outage_of(error)
            self._causes[call] = str(failed)
            raise failed from None

    async def _ask(self, url: URL) -> tuple[int, bytes]:
        headers = {hdrs.ACCEPT: "application/json", hdrs.ACCEPT_ENCODING: "identity"}
        async with self._client.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await body_of(response, LARGEST_ANSWER)

    def _tell(self, call: str, _: str, event: object) -> None:
        """Say once that the provider is left alone, and once that it is back."""
        if not isinstance(event, ContextChanged):
            return
        provider, was_away = type(self).__name__, bool(self._away)
        BREAKER.of(provider, call).set(STATES[event.state])
        if event.state == "opened":
            self._away.add(call)
        elif event.state == "closed":
            self._away.discard(call)
        if self._away and not was_away:
            logger.warning("weather away", provider=provider, cause=self._causes.get(call))
        elif was_away and not self._away:
            logger.info("weather back", provider=provider)
