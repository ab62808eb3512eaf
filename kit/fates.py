"""What becomes of events that were heard: counted, tried again, or parked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from kit import inbox, metrics
from kit.errors import Away
from kit.sending import reason

# what a handler raises when something of ours is away
NEEDS = (Away, RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError)
AGAIN = timedelta(seconds=1)  # after which a handler is asked again whose needs were away

HANDLED = metrics.counter(
    "shop_api_events_handled", "What became of tries to handle events.", topic=(), result=()
)


def tally(
    event: Mapping[Any, Any], error: Exception | None = None, *, parked: bool = False
) -> None:
    """Count what became of a try."""
    failed = "put_off" if isinstance(error, NEEDS) else "parked" if parked else "failed"
    HANDLED.of(event["topic"], failed if error else "handled").inc()


async def fate(error: Exception, session: AsyncSession, row_id: int) -> bool:
    """Let a row wait while what its handler needs is away, else count a try; True when parked."""
    if isinstance(error, NEEDS):
        await inbox.InboxRow.put_off(session, row_id, AGAIN, reason(error))
        return False
    return await inbox.InboxRow.fail(session, row_id, reason(error))
