"""Do once what was asked for under one key, and give the first answer again.

The claim lies in the transaction of the effect: a second request waits for it, a crash takes
both back, and what Redis forgets changes nothing.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web
from sqlalchemy import (
    BigInteger,
    Index,
    LargeBinary,
    RowMapping,
    String,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from kit import faults, guards
from kit.db import Base, Now
from kit.errors import Conflict, Failure, Invalid, Unavailable, ValidationFailed, nouns

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
KEPT = timedelta(hours=24)
NOBODY = 0  # the user of what guests may do: a session that ends must not change the meaning
LOCKED = "55P03"


class IdempotencyKeyReused(Invalid):
    """This key came with another request before: use a new key for a new request."""


class RequestInProgress(Conflict):
    """A request with this key is still at work: wait a moment, then send it again."""

    retry_after = 1


class IdempotencyKey(Base):
    """A key that was used, with the answer that was given."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    operation: Mapped[str] = mapped_column(String(100), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    location: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[Now]


@dataclass(frozen=True, slots=True)
class Claim:
    """Say who asks for what under which key."""

    operation: str
    user_id: int
    key: str
    fingerprint: bytes


def key_of(request: web.Request) -> str | None:
    """Return the request's key, None when it has none.

    Raises:
        ValidationFailed: it is no key, or there are several.
    """
    keys = request.headers.getall(HEADER, [])
    if not keys:
        return None
    if len(keys) > 1 or not KEY.fullmatch(keys[0]):
        message = "Must be given once, as 1 to 255 visible ASCII characters."
        raise ValidationFailed(errors=[{"parameter": HEADER, "message": message}])
    return keys[0]


def fingerprint(arguments: Mapping[str, Any]) -> bytes:
    """Return a digest of what was asked for, whatever its spelling as JSON."""
    spelled = orjson.dumps(arguments, default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(spelled).digest()


async def once(
    request: web.Request,
    session: AsyncSession,
    claim: Claim,
    act: Callable[[], Awaitable[web.Response]],
) -> web.Response | Failure:
    """Act unless the key was used; return the answer, be it a failure, or the one given before.

    Raises:
        IdempotencyKeyReused: the key came with another request.
        RequestInProgress: that request has not ended.
    """
    if not await _is_first(session, claim):
        known = await _known(session, claim)
        request.setdefault(guards.EXTRA, {})[REPLAYED] = "true"
        return _answer_again(known)
    outcome: web.Response | Failure
    try:
        async with session.begin_nested():  # a failure takes back what was done, but not the claim
            outcome = await act()
    except Unavailable:
        raise
    except Failure as failure:
        outcome = failure
    await _keep(session, claim, outcome)
    return outcome


async def _is_first(session: AsyncSession, claim: Claim) -> bool:
    """Claim the key; wait for whoever holds it, take it over when it is too old."""
    fresh = {"fingerprint": claim.fingerprint, "status": None, "created_at": func.now()}
    statement = (
        insert(IdempotencyKey)
        .values(asdict(claim))
        .on_conflict_do_update(
            constraint="pk_idempotency_keys",
            set_=fresh,
            where=IdempotencyKey.created_at < func.now() - KEPT,
        )
        .returning(IdempotencyKey.key)
    )
    try:
        return (await session.execute(statement)).scalar_one_or_none() is not None
    except DBAPIError as error:
        if faults.sqlstate(error) == LOCKED:
            raise RequestInProgress from error
        raise


async def _known(session: AsyncSession, claim: Claim) -> RowMapping:
    columns = IdempotencyKey.__table__.c
    statement = select(columns.fingerprint, columns.status, columns.body, columns.location)
    known = (await session.execute(statement.where(*_of(claim)))).mappings().one_or_none()
    if known is None:  # it grew too old in this very moment
        raise RequestInProgress
    if known["fingerprint"] != claim.fingerprint:
        raise IdempotencyKeyReused
    return known


async def _keep(session: AsyncSession, claim: Claim, outcome: web.Response | Failure) -> None:
    if isinstance(outcome, Failure):
        told = {"code": outcome.code, "detail": outcome.detail, "errors": outcome.errors}
        answer: dict[str, Any] = {"status": None, "body": orjson.dumps(told), "location": None}
    else:
        answer = {
            "status": outcome.status,
            "body": outcome.body,
            "location": outcome.headers.get("Location"),
        }
    await session.execute(update(IdempotencyKey).where(*_of(claim)).values(answer))


def _answer_again(known: RowMapping) -> web.Response | Failure:
    if known["status"] is None:
        told = orjson.loads(known["body"])
        noun = next((noun for noun in nouns() if noun.code == told["code"]), Conflict)
        return noun(told["detail"], told["errors"])
    response = web.Response(
        status=known["status"], body=known["body"], content_type="application/json"
    )
    if known["location"]:
        response.headers["Location"] = known["location"]
    return response


def _of(claim: Claim) -> tuple[Any, ...]:
    row = IdempotencyKey
    return row.operation == claim.operation, row.user_id == claim.user_id, row.key == claim.key


async def prune(session: AsyncSession, *, most: int) -> int:
    """Forget keys that are too old, at most so many; return how many."""
    key = (columns := IdempotencyKey.__table__.c).operation, columns.user_id, columns.key
    old = select(*key).where(columns.created_at < func.now() - KEPT).limit(most)
    gone = await session.execute(
        delete(IdempotencyKey).where(tuple_(*key).in_(old)).returning(columns.key)
    )
    return len(gone.all())
