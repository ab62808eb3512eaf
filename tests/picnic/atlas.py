"""A hundred thousand cities for the tests of searches, copied in, and the plans of searches."""

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from typing import Any

from sqlalchemy import text

from kit.engine import lone_engine
from kit.settings import Settings

SYLLABLES = [
    re.findall(r"\w+", "al ba cor den el fos gar hol in jar ka lun mar nor or pel ros tor ul ven"),
    re.findall(
        r"\w+", "ал бон вол гол дон ель жи зар ир кал лу мол ни ост пол рад тул хим чер шу"
    ),
]
CITY = ["name", "folded", "grams", "country", "latitude", "longitude"]


def names(number: int, random_seed: int = 1) -> list[str]:
    """Make up names of cities in two alphabets, all different."""
    random, made = Random(random_seed), dict[str, None]()
    while len(made) < number:
        parts = random.choices(random.choice(SYLLABLES), k=random.randint(2, 4))
        made["".join(parts).title()] = None
    return list(made)


async def took(act: Callable[[], Awaitable[object]], times: int = 5) -> float:
    """Return the median of how many seconds something takes."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        await act()
        found.append(time.perf_counter() - started)
    return sorted(found)[times // 2]


async def copy_cities(settings: Settings, rows: Iterable[Mapping[str, Any]]) -> None:
    """Copy cities in; the index by pieces is built afterwards, for that is quicker."""
    engine = lone_engine(settings)
    async with engine.begin() as connection:
        await connection.execute(text("DROP INDEX ix_cities_grams"))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        copied = ([row[column] for column in CITY] for row in rows)
        await driver.copy_records_to_table("cities", records=copied, columns=CITY)
        await connection.execute(text("CREATE INDEX ix_cities_grams ON cities USING gin (grams)"))
        await connection.execute(text("ANALYZE cities"))
    await engine.dispose()
