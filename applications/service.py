"""What can be done with applications: send one in, look them up."""

from sqlalchemy.ext.asyncio import AsyncSession

from applications import events, repository
from applications.errors import ApplicationNotFound
from kit import outbox
from kit.pages import Page, Place, Row


async def add_application(session: AsyncSession, user_name: str, description: str) -> Row:
    """Add an application; the event about it says just what the answer does."""
    row = await repository.add_application(session, user_name, description)
    await outbox.record(session, events.TOPIC, row["id"], events.APPLICATION_CREATED, dict(row))
    return row


async def list_applications(
    session: AsyncSession,
    *,
    page: int,
    size: int,
    user_name: str | None = None,
    cursor: str | None = None,
) -> Page:
    """Return a page of applications, newest first, by number or behind a cursor."""
    start = Place.of(cursor) if cursor else (page - 1) * size
    found = await repository.list_applications(session, user_name, size + 1, start)
    total = None if cursor else await repository.count_applications(session, user_name)
    return Page.newest_first(found, size, page=None if cursor else page, total=total)


async def get_application(session: AsyncSession, application_id: int) -> Row:
    """Return an application.

    Raises:
        ApplicationNotFound: there is none.
    """
    row = await repository.get_application(session, application_id)
    if row is None:
        raise ApplicationNotFound
    return row
