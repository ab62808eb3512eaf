"""What a seeding is asked to do, what it reports on the way, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

USUAL_FRIENDSHIPS = 100
PASSWORD = "skytrack"  # noqa: S105 - public on purpose: the login of every made-up person


class SeedError(Exception):
    """Say in one sentence why nothing was changed and what to do."""


class PlanError(SeedError):
    """The plan contradicts itself; the database was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hold how many rows to make, and of which random numbers and language."""

    users: int = 50
    shops: int = 5
    books: int = 200
    offers: int = 600
    orders: int = 100
    applications: int = 100
    cities: int = 100
    picnics: int = 100
    friendships: int | None = None  # as many of USUAL_FRIENDSHIPS as there are pairs
    random_seed: int = 1
    locale: str = "en_US"
    reset: bool = False

    def friendships_among(self, people: int) -> int:
        """Return how many friendships to make.

        Raises:
            PlanError: so many people have not so many pairs.
        """
        pairs = people * (people - 1) // 2
        if self.friendships is None:
            return min(USUAL_FRIENDSHIPS, pairs)
        if self.friendships > pairs:
            raise PlanError(
                f"{people} users make {pairs} pairs, not {self.friendships} friendships: "
                "ask for fewer friendships, or for more users."
            )
        return self.friendships

    def check(self) -> None:
        """Raise PlanError when the numbers do not fit together."""
        if self.offers > self.shops * self.books:
            raise PlanError(
                f"{self.shops} shops with {self.books} books have room for "
                f"{self.shops * self.books} offers, not {self.offers}: "
                "ask for fewer offers, or for more shops or books."
            )
        self.friendships_among(max(self.users, 2))  # demo and admin are always there
        if self.picnics and not self.cities:
            raise PlanError("Picnics need a place: ask for cities, or for 0 picnics.")
        if self.orders and not self.offers:
            raise PlanError("Orders need something to buy: ask for offers, or for 0 orders.")


@dataclass(frozen=True, slots=True)
class Step:
    """Tell how far one table is; `seconds` is set when it is done."""

    table: str
    done: int
    total: int | None
    seconds: float | None = None


Report = Callable[[Step], None]


def silent(_step: Step) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Login:
    """Name somebody who can sign in."""

    username: str
    email: str
    is_staff: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Tell what was done: rows added and seconds per table, and who can sign in."""

    changed: bool
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    logins: Sequence[Login]
    more_logins: int  # made by this run, but too many to list
