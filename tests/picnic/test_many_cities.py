"""Searching among a hundred thousand cities: by the index, quickly, and never missing one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from kit.db import Database, database
from kit.engine import create_engine
from kit.pages import Row
from kit.settings import Settings
from picnic.entities import fold
from picnic.service import cities
from tests.kit.events import tell
from tests.picnic.atlas import copy_cities, names, took
from tests.picnic.forms import city_row
from tests.support import databases
from tests.support.plans import Ask, indexes, plans, scans
from tests.support.shops import run

pytestmark = [pytest.mark.concurrent, pytest.mark.chaos]

MANY = 100_000
BY_PIECES = "ix_cities_grams"
RARE = ["ё", "q", "zq", "ёж", "ёжи", "ёжиково", "norkor", "%", "_", "\\"]
TIMED = ["a", "и", "ma", "ни", "mar", "чер", "marnortor", "черволгол", "ёжиково"]
SLOWEST = 2.0  # seconds; ANSWER_LIMIT of the engine is not far beyond


@dataclass(frozen=True)
class Atlas:
    """A database with many cities, and their folded names."""

    engine: AsyncEngine
    folded: Sequence[str]

    @property
    def database(self) -> Database:
        """Open it."""
        return database(self.engine)

    async def search(self, q: str, size: int = 20) -> tuple[Sequence[Row], int]:
        """Return the first cities whose name holds `q`, and how many there are."""
        async with self.database.reading() as session:
            return await _listing(session, q=q, size=size)


async def _listing(session: AsyncSession, q: str, size: int = 20) -> tuple[Sequence[Row], int]:
    return await cities.list_cities(session, q=q, page=1, size=size)


def asking(q: str) -> Ask:
    """Return the question for a part of a name."""
    return partial(_listing, q=q)


@pytest_asyncio.fixture(scope="module")
async def atlas(settings: Settings) -> AsyncIterator[Atlas]:
    """Keep the cities for all tests of this module."""
    made = [*names(MANY - 2), "Ёжиково", "New Zq"]
    rows = [city_row(name) for name in made]
    async with databases.cloned(settings, "atlas") as ours:
        await copy_cities(ours, rows)
        engine = create_engine(ours)
        yield Atlas(engine, [row["folded"] for row in rows])
        await engine.dispose()


class TestManyCities:
    async def test_are_searched_by_the_index_for_a_rare_part(self, atlas: Atlas) -> None:
        async with atlas.database.reading() as session:
            for q in RARE:
                for plan in await plans(session, asking(q)):
                    assert scans(plan, "cities") == {"Bitmap Heap Scan"}, q
                    assert indexes(plan) == {BY_PIECES}, q

    async def test_are_found_in_time_whatever_the_length(self, atlas: Atlas) -> None:
        for q in TIMED:
            seconds = await took(partial(atlas.search, q), times=2)
            _, total = await atlas.search(q)
            tell(f"{len(q)} letters, {total} of {MANY} found, ms", round(seconds * 1000, 1))
            assert seconds < SLOWEST, q

    async def test_are_found_as_a_plain_comparison_finds_them(self, atlas: Atlas) -> None:
        random = Random(2)
        for length in (1, 2, 3, 3, 4, 5, 7, 10):
            name = random.choice(atlas.folded)
            at = random.randint(0, max(len(name) - length, 0))
            for q in (name[at : at + length].upper(), name[at : at + length][::-1]):
                expected = {key for key in atlas.folded if fold(q) in key}
                rows, total = await atlas.search(q, size=100)
                shown = {fold(row["name"]) for row in rows}
                assert total == len(expected), q
                assert shown <= expected, q
                assert len(shown) == min(len(expected), 100), q

    async def test_would_all_be_read_without_the_index(self, atlas: Atlas) -> None:
        q = "ёжиково"
        quick = await took(partial(atlas.search, q), times=3)
        async with databases.undone(atlas.engine) as (without, _):
            await run(without, f"DROP INDEX {BY_PIECES}")
            async with without.reading() as session:
                found = [scans(plan, "cities") for plan in await plans(session, asking(q))]
                slow = await took(partial(_listing, session, q), times=3)
        tell("ms with and without the index", (round(quick * 1000, 1), round(slow * 1000, 1)))
        assert not {"Bitmap Heap Scan"} & set().union(*found)
        assert slow > 2 * quick
