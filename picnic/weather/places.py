"""A short list of cities and where they lie, for the seed and for a weather without a network."""

import csv
from collections.abc import Iterator
from importlib.resources import files

from picnic.weather.protocol import Coordinates, Found


def listed() -> Iterator[Found]:
    """Yield the cities; those further down are for whoever wants to add one."""
    with files("picnic.weather").joinpath("places.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            where = Coordinates(float(row["latitude"]), float(row["longitude"]))
            yield Found(name=row["name"], country=row["country"], coordinates=where)
