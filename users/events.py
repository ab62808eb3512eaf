"""Facts about users: what is published (key = the id), and what is done on hearing it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit import mails, outbox
from kit.cache import Cache
from kit.consumer import Event, Handlers
from kit.db import LARGEST_ID
from kit.session_store import SessionStore
from users import repository
from users.entities import cache_name

TOPIC = "users"

USER_REGISTERED = "user.registered"
USER_CHANGED = "user.changed"
USER_DELETED = "user.deleted"
USER_RESTORED = "user.restored"

LARGEST_EPOCH = 2**31 - 1  # the column is an integer

TOLD = {USER_REGISTERED: ("id", "username", "created_at")}
TOLD_OF_CHANGES = ("id", "version", "session_epoch")

WELCOME = """\
Hello {username},

you are registered. Sign in whenever you like, with this name or with your e-mail address.

If this was not you, somebody has mistyped an address: please ignore this mail.
"""


async def record(session: AsyncSession, event_type: str, row: Mapping[Any, Any]) -> None:
    """Record what has happened to a user; personal data stays here."""
    told = {name: row[name] for name in TOLD.get(event_type, TOLD_OF_CHANGES)}
    await outbox.record(session, TOPIC, row["id"], event_type, told)


async def welcome(session: AsyncSession, event: Event) -> None:
    """Queue the welcome mail of a new user, once for each user."""
    account = await repository.get_account(session, event.payload["id"])
    if account is None:  # gone already
        return
    mail = mails.Mail(
        name=f"welcome/{account['id']}",
        recipient=account["email"],
        subject="Welcome",
        body=WELCOME.format(username=account["username"]),
    )
    await mails.enqueue(session, mail)


async def settle(cache: Cache, sessions: SessionStore, _: AsyncSession, event: Event) -> None:
    """See to it that no process shows an older card or lets in an older session.

    Whoever made the change has done so himself, unless Redis was cut off at that moment.
    """
    user_id, version = (_number(event.payload[name], LARGEST_ID) for name in ("id", "version"))
    epoch = _number(event.payload["session_epoch"], LARGEST_EPOCH)
    await cache.outdate(cache_name(user_id), version)
    await sessions.refuse_older(user_id, epoch)


def _number(value: object, largest: int) -> int:
    """Return what a stranger may have sent as a number that a row could have.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError("not a number of a row")
    return value


def handlers(cache: Cache, sessions: SessionStore) -> Handlers:
    """Return what is done on hearing of users."""
    settled = partial(settle, cache, sessions)
    changes = (USER_CHANGED, USER_DELETED, USER_RESTORED)
    return {(TOPIC, USER_REGISTERED): welcome, **{(TOPIC, name): settled for name in changes}}
