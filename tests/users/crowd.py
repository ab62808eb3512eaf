"""People who call at once, hang up when they like, and know what is theirs."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from sqlalchemy import text

from kit.db import Database
from tests.support.clients import API, HASH, PASSWORD
from tests.support.shops import add_offer, rows
from tests.users.forms import ME, SESSIONS, USERS

PEOPLE = 50
AT_ONCE = 25  # requests
HANG_UP = 0.42  # of all requests; some of them are answered all the same, so that it is 30 %
PATIENCE = ClientTimeout(total=15)  # seconds
PRICE = "12.50"

# person n has bought n copies, has n copies in the cart, and calls the next one "friend of n"
P = """
WITH p AS (SELECT id, substr(username, 8)::int AS n FROM users WHERE username LIKE 'person-%')
"""
PREPARE = [
    """
    INSERT INTO users (username, email, first_name, second_name, password_hash)
    SELECT 'person-' || n, n || '@example.org', 'Person', 'No ' || n, CAST(:hash AS text)
    FROM generate_series(1, CAST(:people AS int)) AS n
    """,
    f"{P} INSERT INTO orders (user_id) SELECT id FROM p",
    f"""{P}
    INSERT INTO order_items (order_id, offer_id, title, quantity, price)
    SELECT o.id, :offer, 'A Book', p.n, 1 FROM orders AS o JOIN p ON p.id = o.user_id
    """,
    f"{P} INSERT INTO cart_items (user_id, offer_id, quantity) SELECT id, :offer, n FROM p",
    f"""{P}
    INSERT INTO friendships (initiator_id, target_id, tag)
    SELECT a.id, b.id, 'friend of ' || a.n
    FROM p AS a JOIN p AS b ON b.n = a.n % CAST(:people AS int) + 1
    """,
]
FIND = f"{P} SELECT id, n FROM p ORDER BY n"


@dataclass
class Person:
    """Somebody who knows what is his."""

    id: int
    number: int
    cookie: str = ""

    @property
    def name(self) -> str:
        """Return the username."""
        return f"person-{self.number}"

    @property
    def headers(self) -> dict[str, str]:
        """Return what the person shows at the door."""
        return {"User-Agent": self.name, "Cookie": f"session={self.cookie}"}


Check = Callable[[Any, Person, Person], bool]


def _is_me(found: Any, me: Person, _: Person) -> bool:
    return (found["id"], found["email"]) == (me.id, f"{me.number}@example.org")


def _are_my_orders(found: Any, me: Person, _: Person) -> bool:
    return [order["total"] for order in found["items"]] == [f"{me.number}.00"]


def _is_my_cart(found: Any, me: Person, _: Person) -> bool:
    return [line["quantity"] for line in found["items"]] == [me.number]


def _are_my_friends(found: Any, me: Person, _: Person) -> bool:
    mine = {f"friend of {me.number}", f"friend of {me.number - 1 or PEOPLE}"}
    pairs = [(row["initiator_id"], row["target_id"]) for row in found["items"]]
    return all(me.id in pair for pair in pairs) and {x["tag"] for x in found["items"]} == mine


def _is_the_other(found: Any, _: Person, other: Person) -> bool:
    return (found["id"], found["username"]) == (other.id, other.name)


def _are_my_sessions(found: Any, me: Person, _: Person) -> bool:
    return [row["user_agent"] for row in found["items"]] == [me.name]


QUESTIONS: list[tuple[str, Check]] = [
    (ME, _is_me),
    (f"{API}/shop/orders", _are_my_orders),
    (f"{API}/shop/cart", _is_my_cart),
    (f"{API}/friends", _are_my_friends),
    (f"{USERS}/{{other}}", _is_the_other),
    (SESSIONS, _are_my_sessions),
]


@dataclass
class Figures:
    """Count what came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    hung_up: int = 0
    mismatches: list[str] = field(default_factory=list)
    latency: float = 0.01  # seconds that an answer takes lately

    @property
    def asked(self) -> int:
        """Count the requests."""
        return self.hung_up + self.statuses.total()

    def __str__(self) -> str:
        answers = dict(sorted(self.statuses.items()))
        return (
            f"{self.asked} requests, {self.hung_up} aborted, answers {answers}, "
            f"{len(self.mismatches)} mismatches"
        )


class Crowd:
    """Fifty people who share the connections of one client to several workers."""

    def __init__(
        self, client: ClientSession, workers: Sequence[str], people: list[Person]
    ) -> None:
        self._client = client
        self._workers = workers
        self.people = people

    @classmethod
    async def gather(
        cls, client: ClientSession, workers: Sequence[str], database: Database
    ) -> "Crowd":
        """Add the people with what is theirs, and sign each of them in."""
        values = {"hash": HASH, "people": PEOPLE, "offer": await add_offer(database, price=PRICE)}
        async with database.writing() as session:
            for statement in PREPARE:
                await session.execute(text(statement), values)
        people = [Person(row["id"], row["n"]) for row in await rows(database, FIND)]
        assert len(people) == PEOPLE
        for person in people:
            credentials = {"login": person.name, "password": PASSWORD}
            url = f"{workers[person.number % len(workers)]}{API}/auth/login"
            async with client.post(url, json=credentials, headers=person.headers) as response:
                assert response.status == 200, await response.text()
                person.cookie = response.cookies["session"].value
        return cls(client, workers, people)

    async def call(self, number: int) -> Figures:
        """Ask that many questions, as anybody, at any worker."""
        figures, todo = Figures(), iter(range(number))
        await asyncio.gather(*(self._ask_on(todo, figures) for _ in range(AT_ONCE)))
        return figures

    async def _ask_on(self, todo: Iterator[int], figures: Figures) -> None:
        loop = asyncio.get_running_loop()
        for _ in todo:
            limit = random.uniform(0, figures.latency) if random.random() < HANG_UP else None
            started = loop.time()
            try:
                async with asyncio.timeout(limit):
                    await self._ask(figures)
            except TimeoutError:
                figures.hung_up += 1
            else:
                figures.latency += (loop.time() - started - figures.latency) / 20

    async def _ask(self, figures: Figures) -> None:
        me, other = random.sample(self.people, 2)
        path, fits = random.choice(QUESTIONS)
        url = random.choice(self._workers) + path.format(other=other.id)
        async with self._client.get(url, headers=me.headers) as response:
            found = await response.json(content_type=None)
        figures.statuses[response.status] += 1
        if response.status == 200 and not fits(found, me, other):
            figures.mismatches.append(f"{me.name} {path}: {found}")


def open_client() -> ClientSession:
    """Open a client that keeps no cookies."""
    connector = TCPConnector(limit=AT_ONCE)
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), timeout=PATIENCE)
