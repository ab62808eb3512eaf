"""Cities, picnics in them, and who comes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from seed.factories import REFERENCE, Row
from seed.source import Batch, Domain, Source, moments

CITY = ["id", "name", "folded", "grams", "country", "latitude", "longitude", "created_at"]
PICNIC = ["id", "city_id", "creator_id", "time", "created_at"]
REGISTRATION = ["id", "picnic_id", "user_id", "created_at"]
YEAR = timedelta(days=365)
MOST_REGISTERED = 30  # for one picnic


def _batches(source: Source) -> Iterator[Batch]:
    plan, planned = source.plan, list[datetime]()  # when each picnic was, for who joined it then
    yield Batch("cities", CITY, _cities(source), plan.cities)
    yield Batch("picnics", PICNIC, _picnics(source, planned), plan.picnics)
    yield Batch("registrations", REGISTRATION, _registrations(source, planned), None)


def _cities(source: Source) -> Iterator[Row]:
    for number in range(1, source.plan.cities + 1):
        yield source.factory.city(id=number, created_at=REFERENCE - 2 * YEAR)


def _picnics(source: Source, planned: list[datetime]) -> Iterator[Row]:
    count, random = source.plan.picnics, source.factory.random("planned")
    # far into the future, so that there is one to join on whatever day this is read
    times = moments(random, REFERENCE - YEAR, REFERENCE + 9 * YEAR, count)
    for number, moment in enumerate(times, start=1):
        city, creator = random.randint(1, source.plan.cities), random.choice(source.user_ids)
        time = moment.replace(minute=0, second=0, microsecond=0)
        picnic = source.factory.picnic(city, creator, id=number, time=time)
        planned.append(picnic["created_at"])
        yield picnic


def _registrations(source: Source, planned: list[datetime]) -> Iterator[Row]:
    random, number = source.factory.random("registered"), 0
    most = min(MOST_REGISTERED, len(source.user_ids))
    for picnic, moment in enumerate(planned, start=1):
        for place in random.sample(range(len(source.user_ids)), random.randint(0, most)):
            number += 1
            user_id = source.user_ids[place]
            yield source.factory.registration(picnic, user_id, id=number, created_at=moment)


DOMAIN = Domain(["cities", "picnics", "registrations"], _batches)
