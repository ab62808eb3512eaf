"""Facts about applications: what is published (key = the id), and what is done on hearing it."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.consumer import Event, Handlers
from kit.log import logger

TOPIC = "applications"

APPLICATION_CREATED = "application.created"


async def note_arrival(_: AsyncSession, event: Event) -> None:
    """Write into the log that an application has made its way through Kafka."""
    logger.info("application received", application_id=event.payload["id"])


HANDLERS: Handlers = {(TOPIC, APPLICATION_CREATED): note_arrival}
