"""Pools of names, words and places, drawn once because Faker is slow per value."""

from collections.abc import Callable
from dataclasses import dataclass

from seed.plan import PlanError

NAMES = 300  # of each kind: 90 000 different women and as many men
WORDS = 1000
PLACES = 200


@dataclass(frozen=True, slots=True)
class Pools:
    """Hold the values that rows are put together from."""

    people: list[tuple[list[str], list[str]]]  # first and second names that fit each other
    words: list[str]
    companies: list[str]
    addresses: list[str]
    cities: list[str]
    countries: list[str]


def draw(random_seed: int, locale: str) -> Pools:
    """Draw the pools of a language; the same arguments give the same pools.

    Raises:
        PlanError: Faker does not know the language.
    """
    from faker import Faker  # here, because every command of `shop-api` would pay for it

    try:
        # Weighted names are eight times slower and would only be more alike.
        fake = Faker(locale, use_weighting=False)
    except AttributeError:
        raise PlanError(
            f"Faker does not know the locale {locale!r}: use one like en_US or ru_RU."
        ) from None
    fake.seed_instance(random_seed)
    return Pools(
        people=[
            (_draw(NAMES, fake.first_name_female), _draw(NAMES, fake.last_name_female)),
            (_draw(NAMES, fake.first_name_male), _draw(NAMES, fake.last_name_male)),
        ],
        words=_draw(WORDS, fake.word),
        companies=list(dict.fromkeys(_draw(PLACES, fake.company))),
        addresses=[address.replace("\n", ", ") for address in _draw(PLACES, fake.address)],
        cities=_draw(PLACES, fake.city),
        countries=_draw(PLACES, fake.country),
    )


def _draw(count: int, value: Callable[[], str]) -> list[str]:
    return [value() for _ in range(count)]
