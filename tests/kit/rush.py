"""Identical requests at once on two workers, and the verdict by SQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from aiohttp import ClientResponse

from kit.db import Database
from kit.faults import SessionsUnavailable
from kit.settings import Settings
from tests.support.clients import Client
from tests.support.keys import is_first, post, told
from tests.support.shops import rows, value

AT_ONCE = 20
TRIES = 10
ALLOWED = {"201", "request-in-progress"}

CENSUS = """
SELECT (SELECT count(*) FROM orders) AS orders,
    (SELECT count(*) FROM order_items) AS order_items,
    (SELECT count(*) FROM outbox) AS events,
    (SELECT count(*) FROM applications) AS applications,
    (SELECT coalesce(sum(available), 0)::int FROM offers) AS stock
"""
ONE_ORDER = {"orders": 1, "order_items": 2, "events": 1, "stock": -2}
ONE_APPLICATION = {"applications": 1, "events": 1}
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def unlimited(settings: Settings) -> Settings:
    """Return the settings with a limit of requests that no test meets."""
    return replace(settings, rate_limiter_calls=1_000_000)


async def census(database: Database) -> dict[str, int]:
    """Count everything that a request may have done."""
    (found,) = await rows(database, CENSUS)
    return found


def effect(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Return by how much the counts differ, where they do."""
    return {name: after[name] - n for name, n in before.items() if after[name] != n}


async def code_of(response: ClientResponse) -> str:
    """Return the code of a problem, or the status of anything else."""
    document = await response.json(content_type=None)
    return str(document.get("code", response.status))


@dataclass(frozen=True)
class Rush:
    """Send one request many times at once, through clients that take turns."""

    database: Database
    clients: Sequence[Client]
    paths: Sequence[str]  # of one operation
    body: Any
    one: dict[str, int]  # what the request does once

    async def losses(self, key: str) -> list[str]:
        """Say what PostgreSQL and the answers do not bear out."""
        before = await census(self.database)
        answers = await asyncio.gather(
            *(
                self._send(client, key, path)
                for client, path, _ in zip(
                    cycle(self.clients), cycle(self.paths), range(AT_ONCE), strict=False
                )
            )
        )
        done = effect(before, await census(self.database))
        return ([] if done == self.one else [f"effects: {done}"]) + await _faults(answers)

    async def _send(self, client: Client, key: str, path: str) -> ClientResponse:
        """Send the request, and again when a busy machine had no time to look who asks."""
        for _ in range(TRIES):
            answer = await post(client, key, path, json=self.body)
            if await code_of(answer) != SessionsUnavailable.code:
                break
        return answer


async def _faults(answers: Sequence[ClientResponse]) -> list[str]:
    codes = [await code_of(answer) for answer in answers]
    made = [answer for answer in answers if answer.status == 201]
    firsts = sum(is_first(answer) for answer in made)
    different = len({await told(answer) for answer in made})
    found = [f"answers: {code}" for code in sorted({*codes} - ALLOWED)]
    found += [] if firsts == 1 else [f"{firsts} first answers"]
    return found + ([] if different == 1 else [f"{different} different answers"])


async def waiting(database: Database) -> int:
    """Count the transactions that wait for a lock."""
    return int(await value(database, WAITING))


async def until_waiting(database: Database, number: int) -> None:
    """Return when so many transactions wait for a lock.

    Raises:
        TimeoutError: after three seconds they do not.
    """
    for _ in range(300):
        if await waiting(database) >= number:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError(f"less than {number} transactions wait")
