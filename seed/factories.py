"""Make believable rows as plain dicts: the seed streams them, tests override columns."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any

from picnic.entities import fold, grams
from picnic.weather.places import listed
from seed.pools import draw
from shop.entities import OrderStatus

# Everything lies before this moment: the same seed gives the same data on every day.
REFERENCE = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = [OrderStatus.PAID, OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED]
MIX = [60, 25, 15]  # percent
NOT_A_LETTER = re.compile(r"[^a-z]")

Row = dict[str, Any]


class Factory:
    """Make rows; two factories with the same arguments make the same ones in the same order."""

    def __init__(self, random_seed: int = 1, locale: str = "en_US") -> None:
        self._pools = draw(random_seed, locale)
        self._listed = list(listed())
        self._seed = random_seed
        self._random: dict[str, Random] = {}
        self._made: Counter[str] = Counter()

    def random(self, kind: str) -> Random:
        """Return the numbers of one kind of row, so that more of one does not change another."""
        if kind not in self._random:
            self._random[kind] = Random(f"{self._seed}/{kind}")
        return self._random[kind]

    def user(self, **over: Any) -> Row:
        """Make a user; nobody signs in with the empty hash unless it is overridden."""
        random, number = self._next("user")
        first, second = self._person(random)
        username = f"{_ascii(first)}.{_ascii(second)}{number}"
        born = date(1945, 1, 1) + timedelta(days=random.randrange(63 * 365))
        domain = random.choice(["com", "org"])
        return {
            "username": username,
            "email": f"{username}@example.{domain}",
            "password_hash": "",
            "first_name": first,
            "second_name": second,
            "birthday": born if random.random() < 0.9 else None,
            "is_staff": False,
            "created_at": REFERENCE,
            "updated_at": over.get("created_at", REFERENCE),
            **over,
        }

    def shop(self, **over: Any) -> Row:
        """Make a shop."""
        random, number = self._next("shop")
        companies = self._pools.companies
        name, again = companies[(number - 1) % len(companies)], (number - 1) // len(companies)
        return {
            "name": f"{name} {again + 1}" if again else name,
            "address": random.choice(self._pools.addresses),
            "site": f"https://shop{number}.example.com" if random.random() < 0.9 else None,
            **over,
        }

    def book(self, **over: Any) -> Row:
        """Make a book."""
        random, number = self._next("book")
        title = " ".join(random.choices(self._pools.words, k=random.randint(2, 5)))
        return {
            "title": title[:1].upper() + title[1:],
            "author": " ".join(self._person(random)),
            "isbn": isbn(number, self._seed),
            "published_on": date(1950, 1, 1) + timedelta(days=random.randrange(75 * 365)),
            **over,
        }

    def offer(self, shop_id: int, book_id: int, **over: Any) -> Row:
        """Make an offer of a book in a shop; one in twenty is sold out."""
        random, _ = self._next("offer")
        sold_out = random.random() < 0.05
        return {
            "shop_id": shop_id,
            "book_id": book_id,
            "price": Decimal(random.randrange(299, 7_000)).scaleb(-2),
            "available": 0 if sold_out else random.randint(1, 200),
            **over,
        }

    def order(self, user_id: int, **over: Any) -> Row:
        """Make an order without lines."""
        random, _ = self._next("order")
        status = random.choices(STATUSES, MIX)[0].value
        return {"user_id": user_id, "status": status, "created_at": REFERENCE, **over}

    def order_item(
        self, order_id: int, offer_id: int, title: str, price: Decimal, **over: Any
    ) -> Row:
        """Make a line of an order, with the title and the price of its offer."""
        random, _ = self._next("order_item")
        return {
            "order_id": order_id,
            "offer_id": offer_id,
            "title": title,
            "quantity": random.choice([1, 1, 1, 2, 2, 3]),
            "price": price,
            **over,
        }

    def application(self, **over: Any) -> Row:
        """Make an application; a few people send in several."""
        random, _ = self._next("application")
        words = random.choices(self._pools.words, k=random.randint(6, 20))
        text = " ".join(words)
        return {
            "user_name": " ".join(self._person(random)),
            "description": f"{text[:1].upper()}{text[1:]}.",
            "created_at": REFERENCE,
            **over,
        }

    def city(self, **over: Any) -> Row:
        """Make a city: a listed one as long as there are any, then a made-up one."""
        random, number = self._next("city")
        if number <= len(self._listed):
            found = self._listed[number - 1]
            name, country, (latitude, longitude) = found.name, found.country, found.coordinates
        else:
            name = f"{random.choice(self._pools.cities)} {number}"
            country = random.choice(self._pools.countries)
            latitude, longitude = random.uniform(-55, 70), random.uniform(-180, 180)
        folded = fold(over.get("name", name))
        return {
            "name": name,
            "folded": folded,
            "grams": grams(folded),
            "country": country,
            "latitude": latitude,
            "longitude": longitude,
            "created_at": REFERENCE,
            **over,
        }

    def picnic(self, city_id: int, creator_id: int, **over: Any) -> Row:
        """Make a picnic."""
        moment = over.get("time", REFERENCE)
        planned = min(moment - timedelta(days=7), REFERENCE)
        made = {"city_id": city_id, "creator_id": creator_id, "time": moment}
        return {**made, "created_at": planned, **over}

    def registration(self, picnic_id: int, user_id: int, **over: Any) -> Row:
        """Make a registration."""
        return {"picnic_id": picnic_id, "user_id": user_id, "created_at": REFERENCE, **over}

    def friendship(self, initiator_id: int, target_id: int, **over: Any) -> Row:
        """Make a friendship; one in three has no tag."""
        random, _ = self._next("friendship")
        return {
            "initiator_id": initiator_id,
            "target_id": target_id,
            "tag": random.choice(["", "", "friend", "best friend", "relative", "colleague"]),
            "created_at": REFERENCE,
            **over,
        }

    def _next(self, kind: str) -> tuple[Random, int]:
        self._made[kind] += 1
        return self.random(kind), self._made[kind]

    def _person(self, random: Random) -> tuple[str, str]:
        first, second = random.choice(self._pools.people)
        return random.choice(first), random.choice(second)


def isbn(number: int, random_seed: int = 1) -> str:
    """Return the ISBN-13 of the n-th book; no two below 10**9 are equal."""
    # A power of three shares no factor with 10**9, so the steps meet every number once.
    digits = f"978{(random_seed * 7_919 + number * 3**18) % 10**9:09d}"
    weighted = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


@lru_cache(maxsize=4096)
def _ascii(name: str) -> str:
    """Spell a name in at most 11 of a-z, so that two and a number fit a username."""
    from faker.decode import unidecode  # for the same reason as in `pools`

    return NOT_A_LETTER.sub("", unidecode(name).lower())[:11] or "reader"
