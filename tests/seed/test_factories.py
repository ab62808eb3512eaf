"""Prove that made-up rows fit the tables, repeat, and can be overridden."""

import re
import unicodedata
from datetime import timedelta
from decimal import Decimal

import pytest

from seed.factories import REFERENCE, Factory, isbn
from seed.plan import PlanError
from seed.source import moments
from users.entities import USERNAME


def test_same_seed_makes_same_rows() -> None:
    one, two = Factory(7), Factory(7)
    assert [one.user() for _ in range(50)] == [two.user() for _ in range(50)]
    assert [one.book() for _ in range(50)] == [two.book() for _ in range(50)]
    assert one.user() != Factory(8).user()


def test_more_of_one_kind_does_not_change_another() -> None:
    one, two = Factory(), Factory()
    for _ in range(9):
        one.user()
    assert one.book() == two.book()


def test_overrides_win() -> None:
    user = Factory().user(username="alice", birthday=None, is_staff=True)
    assert (user["username"], user["birthday"], user["is_staff"]) == ("alice", None, True)
    assert Factory().offer(1, 2, price=Decimal("9.90"))["price"] == Decimal("9.90")


@pytest.mark.parametrize("locale", ["en_US", "ru_RU", "ja_JP", "ar_SA"])
def test_usernames_are_ascii_and_unique_in_any_language(locale: str) -> None:
    factory = Factory(locale=locale)
    users = [factory.user() for _ in range(3000)]
    assert all(re.fullmatch(USERNAME, user["username"]) for user in users)
    assert len({user["username"].lower() for user in users}) == 3000
    assert all(re.search(r"@example\.(com|org)$", user["email"]) for user in users)
    assert all(
        0 < len(user[name]) <= 100 for user in users for name in ("first_name", "second_name")
    )


def test_russian_names_are_cyrillic() -> None:
    user = Factory(locale="ru_RU").user()
    for letter in (user["first_name"][0], user["second_name"][0]):
        assert unicodedata.name(letter).startswith("CYRILLIC CAPITAL LETTER")


def test_unknown_locale_is_one_sentence() -> None:
    with pytest.raises(PlanError, match="Faker does not know the locale 'xx'"):
        Factory(locale="xx")


def test_isbns_are_valid_and_unique() -> None:
    numbers = [isbn(number) for number in range(1, 20_001)]
    assert len(set(numbers)) == 20_000
    for number in numbers:
        digits = [int(digit) for digit in number]
        assert len(digits) == 13
        assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_prices_have_two_decimals() -> None:
    factory = Factory()
    prices = [factory.offer(1, 1)["price"] for _ in range(500)]
    assert all(price > 0 and price.as_tuple().exponent == -2 for price in prices)


def test_moments_ascend_between_their_ends() -> None:
    start = REFERENCE - timedelta(days=1)
    made = list(moments(Factory().random("x"), start, REFERENCE, 100))
    assert made == sorted(made)
    assert start <= made[0] < made[-1] < REFERENCE
