"""Applications, as anybody may send them in."""

from collections.abc import Iterator
from datetime import timedelta

from seed.factories import REFERENCE, Row
from seed.source import Batch, Domain, Source, moments

COLUMNS = ["id", "user_name", "description", "created_at"]


def _batches(source: Source) -> Iterator[Batch]:
    yield Batch("applications", COLUMNS, _applications(source), source.plan.applications)


def _applications(source: Source) -> Iterator[Row]:
    count, random = source.plan.applications, source.factory.random("sent")
    sent = moments(random, REFERENCE - timedelta(days=90), REFERENCE, count)
    for number, moment in enumerate(sent, start=1):
        yield source.factory.application(id=number, created_at=moment)


DOMAIN = Domain(["applications"], _batches)
