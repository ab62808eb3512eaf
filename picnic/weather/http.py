"""Ask a provider over HTTP: bounded in time, size and number, and left alone while it fails."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import stamina
from aiohttp import ClientConnectionError, ClientError, ClientSession, hdrs
from marshmallow import ValidationError
from purgatory import AsyncCircuitBreakerFactory, ContextChanged
from purgatory.domain.model import OpenedState
from yarl import URL

from kit.client import body_of
from kit.log import logger
from picnic.weather.protocol import Answer, Coordinates, Observations, Unavailable

LIMIT = 1.5  # seconds for a call, its second try included
CONNECT_LIMIT = 0.5  # seconds
AT_ONCE = 8  # calls
LARGEST_ANSWER = 64 * 1024  # bytes
TRIES = 2
PAUSE = 0.05  # seconds before the second try, and up to as many more by chance
FAILURES = 4  # in a row, after which the provider is left alone
LEFT_ALONE = 15.0  # seconds
ODD = (ClientError, ValidationError, ValueError, TypeError, LookupError, RecursionError)


T = TypeVar("T")

Read = Callable[[int, Any], T]  # status and document -> what they say, or an error when nothing


class Outage(Exception):
    """There is no clear answer; the text says how that showed, without the address asked."""


class Glitch(Outage):
    """The next try may go well."""


class HttpWeather(ABC):
    """Ask a provider; only a clear answer counts."""

    places_at_once: int
    clear: ClassVar[frozenset[int]] = frozenset({200})  # statuses that say something

    def __init__(self, client: ClientSession) -> None:
        self._client = client
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._breakers = AsyncCircuitBreakerFactory(FAILURES, LEFT_ALONE)
        self._breakers.add_listener(self._tell)
        self._is_away = False
        self._cause = ""

    async def find(self, name: str) -> Answer:
        """Look for a city by its name."""
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

    async def get(self, url: URL, read: Read[T], *, within: float = LIMIT) -> T:
        """Return what an answer says; within: seconds.

        Raises:
            Outage: there is no clear answer.
        """
        try:
            async with asyncio.timeout(within), self._at_once:
                return await self._try_twice(url, read)
        except TimeoutError:
            raise Outage("no answer in time") from None
        except OpenedState as state:
            state.with_traceback(None)  # it is raised each time, and would keep what it has seen
            raise Outage("left alone") from None

    async def _try_twice(self, url: URL, read: Read[T]) -> T:
        tries = stamina.retry_context(
            on=Glitch, attempts=TRIES, wait_initial=PAUSE, wait_max=2 * PAUSE, wait_jitter=PAUSE
        )
        async for attempt in tries:
            with attempt:
                async with await self._breakers.get_breaker("weather"):
                    return await self._try(url, read)
        raise AssertionError("the last try returns or raises")

    async def _try(self, url: URL, read: Read[T]) -> T:
        self._cause = "no answer in time"  # unless something else comes
        try:
            status, body = await self._ask(url)
            if status not in self.clear:
                raise (Glitch if status >= 500 else Outage)(f"status {status}")
            return read(status, json.loads(body))  # NaN is read: one odd place is no outage
        except (ClientConnectionError, OSError) as error:
            self._cause = type(error).__name__
            raise Glitch(self._cause) from None
        except ODD as error:
            self._cause = type(error).__name__
            raise Outage(self._cause) from None
        except Outage as outage:
            self._cause = str(outage)
            raise

    async def _ask(self, url: URL) -> tuple[int, bytes]:
        headers = {hdrs.ACCEPT: "application/json", hdrs.ACCEPT_ENCODING: "identity"}
        async with self._client.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await body_of(response, LARGEST_ANSWER)

    def _tell(self, _: str, __: str, event: object) -> None:
        """Say once that the provider is left alone, and once that it is back."""
        if not isinstance(event, ContextChanged):
            return
        if event.state == "opened" and not self._is_away:
            self._is_away = True
            logger.warning("weather away", provider=type(self).__name__, cause=self._cause)
        elif event.state == "closed" and self._is_away:
            self._is_away = False
            logger.info("weather back", provider=type(self).__name__)
