"""Who people are: sign up, look up, change, leave, come back."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit.cache import Entry
from kit.db import violations
from kit.errors import NotYourself
from kit.pages import Page, Row
from users import events, repository
from users.entities import age_on, latest_birthday
from users.errors import EmailTaken, UsernameTaken, UserNotFound

TAKEN = {"uq_users_username": UsernameTaken, "uq_users_email": EmailTaken}


async def create_user(session: AsyncSession, *, password_hash: str, **profile: Any) -> Row:
    """Add a user.

    Raises:
        UsernameTaken, EmailTaken: in any case of the letters, also by a deleted user.
    """
    with violations(TAKEN):
        row = await repository.add_user(session, {"password_hash": password_hash, **profile})
    await events.record(session, events.USER_REGISTERED, row)
    return row


async def own_account(session: AsyncSession, user_id: int) -> Row:
    """Return a user with everything that the person may see, and the hash.

    Raises:
        UserNotFound: deleted or never there.
    """
    return _found(await repository.get_account(session, user_id))


async def get_entry(session: AsyncSession, user_id: int) -> Entry | None:
    """Return what the cache shall know of a user, None of one that never was."""
    row = await repository.get_public(session, user_id)
    if row is None:
        return None
    return Entry(row["version"], None if row["deleted_at"] else card(row))


def card(row: Row) -> Row:
    """Return what everybody may see of a user, but for the age, which changes by itself."""
    return {name: row[name] for name in repository.CARD}


def get_user(body: Row | None) -> Row:
    """Return what everybody may see of a user, from what the cache says.

    Raises:
        UserNotFound: deleted or never there.
    """
    found = _found(body)
    born = found["birthday"] and date.fromisoformat(found["birthday"])
    joined = datetime.fromisoformat(found["created_at"])
    return {**found, "birthday": born, "created_at": joined}


async def user_exists(session: AsyncSession, user_id: int) -> bool:
    """Tell whether there is such a living user."""
    return await repository.user_exists(session, user_id)


async def check_exists(session: AsyncSession, user_id: int) -> None:
    """Look whether there is such a living user.

    Raises:
        UserNotFound: deleted or never there.
    """
    if not await user_exists(session, user_id):
        raise UserNotFound


async def get_cards(session: AsyncSession, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return what everybody may see of users, in the order asked for, without the missing."""
    found = {row["id"]: row for row in await repository.get_cards(session, ids)}
    return with_age([found[user_id] for user_id in dict.fromkeys(ids) if user_id in found])


async def list_users(
    session: AsyncSession,
    *,
    page: int,
    size: int,
    q: str | None = None,
    min_age: int | None = None,
    max_age: int | None = None,
) -> Page:
    """Return a page of living users; ages are as of today, and who tells no birthday has none."""
    today = datetime.now(UTC).date()
    until = None if min_age is None else latest_birthday(today, min_age)
    after = None if max_age is None else latest_birthday(today, max_age + 1)
    which = repository.living(q, after, until)
    rows, total = await repository.list_users(
        session, repository.PUBLIC, which, size, (page - 1) * size
    )
    return Page(items=with_age(rows), page=page, size=size, total=total)


async def list_for_staff(session: AsyncSession, *, page: int, size: int, deleted: bool) -> Page:
    """Return a page of users as they see themselves, the living or the deleted ones."""
    which = repository.deleted() if deleted else repository.living()
    rows, total = await repository.list_users(
        session, repository.OWN, which, size, (page - 1) * size
    )
    return Page(items=with_age(rows), page=page, size=size, total=total)


def with_age(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Add to each row how old the person is today."""
    today = datetime.now(UTC).date()
    return [{**row, "age": age_on(today, row["birthday"])} for row in rows]


def check_oneself(me: int, user_id: int) -> None:
    """Let nobody but the user go on.

    Raises:
        NotYourself: it is somebody else's affair.
    """
    if me != user_id:
        raise NotYourself


async def update_user(session: AsyncSession, user_id: int, changes: Row) -> Row:
    """Change a user's own fields.

    Raises:
        EmailTaken: in any case of the letters.
        UserNotFound: deleted meanwhile.
    """
    if not changes:
        return await own_account(session, user_id)
    with violations(TAKEN):
        row = _found(await repository.change_user(session, user_id, changes))
    await events.record(session, events.USER_CHANGED, row)
    return row


async def delete_user(session: AsyncSession, user_id: int) -> Row:
    """Delete a user softly; return the row, with the epoch that no session has.

    Raises:
        UserNotFound: deleted meanwhile.
    """
    row = _found(await repository.delete_user(session, user_id))
    await events.record(session, events.USER_DELETED, row)
    return row


async def restore_user(session: AsyncSession, user_id: int) -> Row:
    """Take a deletion back; for a living user nothing changes.

    Raises:
        UserNotFound: never there.
    """
    row = await repository.restore_user(session, user_id)
    if row is None:
        return await own_account(session, user_id)
    await events.record(session, events.USER_RESTORED, row)
    return row


def _found(row: Row | None) -> Row:
    if row is None:
        raise UserNotFound
    return row
