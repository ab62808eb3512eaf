"""Friendships: each pair once, whoever asked."""

from collections.abc import Iterator
from datetime import timedelta

from seed.factories import REFERENCE, Row
from seed.source import Batch, Domain, Source, moments

COLUMNS = ["id", "initiator_id", "target_id", "tag", "created_at"]


def _batches(source: Source) -> Iterator[Batch]:
    count = source.plan.friendships_among(len(source.user_ids))
    yield Batch("friendships", COLUMNS, _friendships(source, count), count)


def _friendships(source: Source, count: int) -> Iterator[Row]:
    random, people = source.factory.random("befriended"), list(source.user_ids)
    pairs = len(people) * (len(people) - 1) // 2
    made = moments(random, REFERENCE - timedelta(days=300), REFERENCE, count)
    chosen = random.sample(range(pairs), count)
    for number, (pair, moment) in enumerate(zip(chosen, made, strict=True), start=1):
        one, other = _pair(pair)
        if random.random() < 0.5:
            one, other = other, one
        yield source.factory.friendship(people[one], people[other], id=number, created_at=moment)


def _pair(number: int) -> tuple[int, int]:
    """Return the n-th pair of different places: (1, 0), (2, 0), (2, 1), (3, 0) ..."""
    larger = int(((8 * number + 1) ** 0.5 + 1) / 2)
    while larger * (larger - 1) // 2 > number:  # the root was rounded
        larger -= 1
    while (larger + 1) * larger // 2 <= number:
        larger += 1
    return larger, number - larger * (larger - 1) // 2


DOMAIN = Domain(["friendships"], _batches)
