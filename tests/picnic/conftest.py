"""Somebody who plans picnics, and a city for them."""

import pytest

from kit.db import Database
from tests.picnic.forms import add_city
from tests.support.clients import add_user


@pytest.fixture
async def dora(house_database: Database) -> int:
    """Add somebody who plans picnics; give the id."""
    return await add_user(house_database, "dora")


@pytest.fixture
async def town(house_database: Database) -> int:
    """Add a city; give the id."""
    return await add_city(house_database)
