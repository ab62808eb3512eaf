"""The small rules about users, and the constraints that hold them."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from kit.db import Database
from tests.support.clients import add_user
from users.entities import age_on


class TestAge:
    @pytest.mark.parametrize(
        ("day", "birthday", "age"),
        [
            (date(2026, 5, 16), date(1990, 5, 17), 35),
            (date(2026, 5, 17), date(1990, 5, 17), 36),
            (date(2026, 5, 18), date(1990, 5, 17), 36),
            (date(2026, 1, 1), date(2025, 12, 31), 0),
            (date(2026, 12, 31), date(2025, 12, 31), 1),
            (date(2026, 5, 17), date(2026, 5, 17), 0),
            (date(2027, 2, 28), date(2000, 2, 29), 26),
            (date(2027, 3, 1), date(2000, 2, 29), 27),
            (date(2028, 2, 28), date(2000, 2, 29), 27),
            (date(2028, 2, 29), date(2000, 2, 29), 28),
            (date(2028, 2, 29), date(2001, 2, 28), 27),
            (date(2028, 2, 29), date(2001, 3, 1), 26),
        ],
    )
    def test_grows_on_the_birthday(self, day: date, birthday: date, age: int) -> None:
        assert age_on(day, birthday) == age

    def test_is_unknown_without_a_birthday(self) -> None:
        assert age_on(date(2026, 5, 17), None) is None


class TestConstraints:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"username": "ab"}, "ck_users_username"),
            ({"username": "a b c"}, "ck_users_username"),
            ({"username": "abc\n"}, "ck_users_username"),
            ({"username": "DORA"}, "uq_users_username"),
            ({"email": "nobody"}, "ck_users_email"),
            ({"email": "@x"}, "ck_users_email"),
            ({"email": "Dora@Example.org"}, "uq_users_email"),
            ({"first_name": ""}, "ck_users_names"),
            ({"second_name": ""}, "ck_users_names"),
            ({"session_epoch": -1}, "ck_users_session_epoch"),
            ({"first_name": None}, "first_name"),
            ({"password_hash": None}, "password_hash"),
        ],
    )
    async def test_refuse_a_row_that_slipped_through(
        self, house_database: Database, values: dict[str, Any], constraint: str
    ) -> None:
        await add_user(house_database, "dora")
        row = {"username": "emil", "email": "emil@example.org", **values}
        with pytest.raises(IntegrityError, match=f'"{constraint}"'):
            await add_user(house_database, **row)
