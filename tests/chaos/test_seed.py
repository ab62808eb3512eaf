"""How fast the seed is, when there is much of it."""

from dataclasses import replace

import pytest

from kit.settings import Settings
from seed.load import seed
from tests.kit.events import tell
from tests.seed import conftest as of_seed
from tests.seed.test_picnics import FEW

pytestmark = pytest.mark.chaos

empty = of_seed.empty


class TestSpeed:
    async def test_of_a_hundred_thousand_cities(self, empty: Settings) -> None:
        summary = await seed(empty, replace(FEW, cities=100_000, picnics=0))
        seconds = summary.seconds["cities"]
        tell("100 000 cities, seconds and rows a second", (seconds, round(100_000 / seconds)))
        assert summary.counts["cities"] == 100_000
