"""Ask a provider over HTTP: bounded in time, size and number, and left alone while it fails."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

import stamina
from aiohttp import ClientConnectionError, ClientError, ClientSession, hdrs
from marshmallow import ValidationError
from purgatory import AsyncCircuitBreakerFactory, ContextChanged
from purgatory.domain.model import OpenedState
from yarl import URL

from kit.client import body_of
from kit.flights import Flights
from kit.log import logger
from picnic.entities import fold
from picnic.weather.protocol import Answer, Coordinates, Observations, Unavailable

LIMIT = 1.5  # seconds for a call, its second try included
CONNECT_LIMIT = 0.5  # seconds
AT_ONCE = 8  # calls
LARGEST_ANSWER = 64 * 1024  # bytes
TRIES = 2
PAUSE = 0.05  # seconds before the second try, and up to as many more by chance
FAILURES = 4  # in a row, after which the provider is left alone
LEFT_ALONE = 15.0  # seconds
ODD = (
    *(ClientError, ValidationError, RecursionError),
    *(ValueError, TypeError, LookupError, AttributeError),
)


T = TypeVar("T")

Read = Callable[[int, Any], T]  # status and document -> what they say, or an error when nothing


class Outage(Exception):
    """There is no clear answer; the text says how that showed, without the address asked."""


class Glitch(Outage):
    """The next try may go well."""


class Odd(Outage):
    """This one question has no clear answer, which says nothing about others."""


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

    async def get(self, call: str, url: URL, read: Read[T], *, within: float = LIMIT) -> T:
        """Return what an answer says.

        call: its name for the breaker; within: seconds, once there is a place among the calls.

        Raises:
            Outage: there is no clear answer.
        """
        try:
            async with self._at_once:
                deadline = asyncio.get_running_loop().time() + within
                return await self._try_twice(call, partial(self._try, call, url, read, deadline))
        except OpenedState as state:
            state.with_traceback(None)  # it is raised each time, and would keep what it has seen
            raise Outage("left alone") from None

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
                raise (Glitch if status >= 500 else Outage)(f"status {status}")
            return read(status, json.loads(body))  # NaN is read: one odd place is no outage
        except Outage as outage:
            self._causes[call] = str(outage)
            raise
        except (OSError, *ODD) as error:  # a time-out is an OSError, too
            cause = self._causes[call] = type(error).__name__
            raise kind_of(error)(cause) from None

    async def _ask(self, url: URL) -> tuple[int, bytes]:
        headers = {hdrs.ACCEPT: "application/json", hdrs.ACCEPT_ENCODING: "identity"}
        async with self._client.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await body_of(response, LARGEST_ANSWER)

    def _tell(self, call: str, _: str, event: object) -> None:
        """Say once that the provider is left alone, and once that it is back."""
        if not isinstance(event, ContextChanged):
            return
        told = {"provider": type(self).__name__, "call": call}
        if event.state == "opened" and call not in self._away:
            self._away.add(call)
            logger.warning("weather away", **told, cause=self._causes.get(call))
        elif event.state == "closed" and call in self._away:
            self._away.remove(call)
            logger.info("weather back", **told)


def kind_of(error: Exception) -> type[Outage]:
    """Tell whether it may go well the next time, and whether the provider is to blame."""
    if isinstance(error, TimeoutError):  # there is no time for another try
        return Outage
    if isinstance(error, ClientConnectionError | OSError):
        return Glitch
    return Odd if isinstance(error, ValidationError) else Outage
