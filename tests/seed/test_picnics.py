"""Prove that a seeding makes cities, picnics and registrations that fit, repeat and stay."""

import json
from dataclasses import replace
from itertools import islice

import pytest

from kit.settings import Settings
from picnic.entities import fold, grams
from picnic.weather.parts import language_of
from picnic.weather.places import listed
from seed.factories import REFERENCE, Factory
from seed.load import seed
from seed.picnic import MOST_REGISTERED, YEAR
from seed.plan import Plan
from tests.conftest import Fresh
from tests.seed.tools import SMALL_OPTIONS, query, run

pytestmark = pytest.mark.concurrent

TABLES = ("cities", "picnics", "registrations")
EARLY = """
SELECT count(*) FILTER (WHERE registrations.created_at >= picnics.time),
    count(*) FILTER (WHERE cities.created_at > picnics.created_at)
FROM registrations
JOIN picnics ON picnics.id = picnic_id
JOIN cities ON cities.id = city_id
"""
FEW = Plan(users=12, shops=0, books=0, offers=0, orders=0, applications=0, friendships=0)
ALONE = [
    *("--users=12", "--shops=0", "--books=0", "--offers=0", "--orders=0"),
    *("--applications=0", "--friendships=0", "--json"),
]
ROWS = "SELECT to_jsonb(t)::text AS row FROM {} AS t ORDER BY id"
ADD_CITY = """
INSERT INTO cities (name, folded, grams, latitude, longitude)
VALUES ('Nowhere', 'nowhere', '{}', 0, 0) RETURNING id
"""
ADD_PICNIC = "INSERT INTO picnics (city_id, creator_id, time) VALUES (1, 1, now()) RETURNING id"
PLACES = "SELECT name, folded, grams, country, latitude, longitude FROM cities ORDER BY id"
OVER_AND_TO_COME = "SELECT count(*) FILTER (WHERE time < now()), count(*) FROM picnics"
KNOWN = {  # latitude and longitude in full degrees, from an atlas
    "Москва": (55, 37),
    "Новосибирск": (55, 82),
    "Санкт-Петербург": (59, 30),
    "London": (51, -1),
    "New York": (40, -75),
    "Tokyo": (35, 139),
    "Santiago": (-34, -71),
    "Perth": (-32, 115),
    "Nuuk": (64, -52),
}


async def everything(settings: Settings) -> dict[str, list[str]]:
    """Read all rows of the domain as text."""
    return {
        table: [row.row for row in await query(settings, ROWS.format(table))] for table in TABLES
    }


async def counts(settings: Settings) -> list[int]:
    """Count cities and picnics."""
    found = [await query(settings, f"SELECT count(*) FROM {table}") for table in TABLES[:2]]
    return [number for ((number,),) in found]


class TestSeed:
    async def test_lets_things_happen_in_their_order(self, empty: Settings) -> None:
        await seed(empty, FEW)
        assert await query(empty, EARLY) == [(0, 0)]

    async def test_makes_the_same_with_the_same_number(self, fresh_database: Fresh) -> None:
        one, two = await fresh_database(), await fresh_database()
        await seed(one, FEW)
        await seed(two, replace(FEW, applications=5))
        assert await everything(one) == await everything(two)
        await seed(two, replace(FEW, random_seed=2, reset=True))
        first, second = await everything(one), await everything(two)
        assert all(first[table] != second[table] for table in TABLES[1:])

    async def test_changes_nothing_the_second_time(self, empty: Settings) -> None:
        await seed(empty, FEW)
        before = await everything(empty)
        summary = await seed(empty, replace(FEW, cities=200, picnics=200, random_seed=2))
        assert (summary.changed, [summary.counts[table] for table in TABLES]) == (False, [0] * 3)
        assert await everything(empty) == before

    async def test_leaves_room_for_the_next_ids(self, empty: Settings) -> None:
        await seed(empty, FEW)
        assert await query(empty, ADD_CITY) == [(101,)]
        assert await query(empty, ADD_PICNIC) == [(101,)]

    async def test_leaves_a_city_alone_that_was_there(self, empty: Settings) -> None:
        await query(empty, ADD_CITY)
        summary = await seed(empty, FEW)
        assert [summary.counts[table] for table in TABLES] == [0] * 3
        assert await counts(empty) == [1, 0]

    async def test_takes_all_away_with_a_reset(self, empty: Settings) -> None:
        await seed(empty, FEW)
        before = await everything(empty)
        await query(empty, ADD_CITY)
        await seed(empty, replace(FEW, reset=True))
        assert await everything(empty) == before
        await seed(empty, replace(FEW, reset=True, cities=0, picnics=0))
        assert await everything(empty) == {table: [] for table in TABLES}


class TestPicnics:
    async def test_are_past_and_to_come_for_years(self, empty: Settings) -> None:
        await seed(empty, FEW)
        times = [time for (time,) in await query(empty, "SELECT time FROM picnics ORDER BY id")]
        assert times == sorted(times)
        assert REFERENCE - YEAR <= times[0] < REFERENCE < REFERENCE + 8 * YEAR < times[-1]
        assert all((time.minute, time.second, time.microsecond) == (0, 0, 0) for time in times)
        ((past, total),) = await query(empty, OVER_AND_TO_COME)
        assert 0 < past < total == 100

    async def test_have_each_who_comes_once(self, empty: Settings) -> None:
        await seed(empty, replace(FEW, users=40))
        statement = "SELECT picnic_id, user_id FROM registrations"
        pairs = [tuple(row) for row in await query(empty, statement)]
        assert len(pairs) == len(set(pairs)) > 500
        many = [sum(picnic == number for picnic, _ in pairs) for number in range(1, 101)]
        assert max(many) == MOST_REGISTERED
        assert min(many) <= 3
        assert {user for _, user in pairs} == set(range(1, 41))

    async def test_are_visited_by_two_when_there_are_no_more(self, empty: Settings) -> None:
        await seed(empty, replace(FEW, users=0))
        found = await query(empty, "SELECT count(*), count(DISTINCT user_id) FROM registrations")
        assert 50 < found[0][0] <= 200
        assert found[0][1] == 2


class TestCities:
    async def test_are_real_ones_at_first(self, empty: Settings) -> None:
        await seed(empty, FEW)
        rows = await query(empty, PLACES)
        assert [row.name for row in rows] == [city.name for city in islice(listed(), 100)]
        assert len({row.folded for row in rows}) == len(rows) == 100
        assert all((row.folded, row.grams) == (fold(row.name), grams(row.folded)) for row in rows)
        assert len({(row.latitude, row.longitude) for row in rows}) == 100
        assert all(row.country for row in rows)
        found = {row.name: (row.latitude // 1, row.longitude // 1) for row in rows}
        assert {name: found[name] for name in KNOWN} == KNOWN

    def test_are_listed_once_in_any_case_and_lie_on_earth(self) -> None:
        cities = list(listed())
        assert len({fold(city.name) for city in cities}) == len(cities) >= 100
        assert all(-55 < city.coordinates.latitude < 72 for city in cities)
        assert all(-180 <= city.coordinates.longitude <= 180 for city in cities)
        russian = [city.coordinates for city in cities if city.country == "Россия"]
        assert all(41 < where.latitude < 70 and 19 < where.longitude < 180 for where in russian)
        assert all(city.name.strip() == city.name and city.country for city in cities)

    @pytest.mark.parametrize("locale", ["ru_RU", "ja_JP", "ar_SA"])
    def test_fit_in_any_language(self, locale: str) -> None:
        factory = Factory(locale=locale)
        made = [factory.city() for _ in range(3000)]
        assert len({row["folded"] for row in made}) == 3000
        assert all(0 < len(row["name"]) <= 200 for row in made)
        assert all(0 < len(row["country"]) <= 100 for row in made)
        assert all(abs(row["latitude"]) <= 90 and abs(row["longitude"]) <= 180 for row in made)
        assert factory.city(name="Ё!")["folded"] == "ё!"


class TestCommand:
    @pytest.mark.parametrize(("cities", "picnics"), [(0, 0), (1, 3), (5000, 7)])
    async def test_makes_as_many_as_asked_for(
        self, empty: Settings, cities: int, picnics: int
    ) -> None:
        result = await run(empty, *ALONE, f"--cities={cities}", f"--picnics={picnics}")
        assert result.exit_code == 0, result.output
        document = json.loads(result.stdout)
        assert [document["counts"][table] for table in TABLES[:2]] == [cities, picnics]
        assert await counts(empty) == [cities, picnics]

    async def test_refuses_picnics_without_a_city(self, empty: Settings) -> None:
        result = await run(empty, *SMALL_OPTIONS, "--picnics=5", "--cities=0")
        assert (result.exit_code, result.stdout) == (2, "")
        said = "Error: Picnics need a place: ask for cities, or for 0 picnics.\n"
        assert result.stderr == said
        assert await query(empty, "SELECT 1 FROM users") == []

    @pytest.mark.parametrize("option", ["--cities=-1", "--picnics=-1", "--cities=ten"])
    async def test_refuses_what_is_no_number(self, settings: Settings, option: str) -> None:
        result = await run(settings, option)
        assert result.exit_code == 2
        assert option.partition("=")[0] in result.stderr

    async def test_speaks_russian(self, empty: Settings) -> None:
        result = await run(empty, *ALONE, "--locale=ru_RU", "--cities=300", "--picnics=3")
        assert result.exit_code == 0, result.output
        made = (await query(empty, PLACES))[len(list(listed())) :]
        assert len(made) > 100
        assert all(row.folded == fold(row.name) != row.name for row in made)
        assert all(language_of(row.name) == "ru" for row in made)
