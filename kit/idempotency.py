"""Do once what was asked for under one key, and give the first answer again.

The claim lies in the transaction of the effect: a crash takes both back, and what Redis forgets
changes nothing.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from aiohttp import web
from sqlalchemy import RowMapping, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit import guards
from kit.errors import Conflict, Failure, Invalid, Unavailable, ValidationFailed, nouns
from kit.idempotency_keys import KEPT, IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
NOBODY = 0  # the user of what guests may do: a session that ends must not change the meaning
CLAIMING = 7_301  # the first half of the advisory lock that is held per key


class IdempotencyKeyReused(Invalid):
    """This key came with another request before: use a new key for a new request."""


class RequestInProgress(Conflict):
    """A request with this key is still at work: wait a moment, then send it again."""

    advice = "Wait as many seconds as `Retry-After` says, then send the same request again."

    retry_after = 1


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


def is_replay(request: web.Request) -> bool:
    """Tell whether the answer to a request is one that was given before."""
    return REPLAYED in request.get(guards.EXTRA, {})


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
    """Claim the key, one that is too old as well, unless it is used or somebody works under it."""
    place = f"{claim.operation} {claim.user_id} {claim.key}"
    lock = func.pg_try_advisory_xact_lock(CLAIMING, func.hashtext(place))
    turn = select(lock.label("mine")).cte("turn").prefix_with("MATERIALIZED")
    row = asdict(claim)
    columns = IdempotencyKey.__table__.c
    values = select(*(literal(value, columns[name].type) for name, value in row.items()))
    claimed = (
        insert(IdempotencyKey)
        .from_select([*row], values.select_from(turn).where(turn.c.mine))
        .on_conflict_do_update(
            constraint="pk_idempotency_keys",
            set_={"fingerprint": claim.fingerprint, "status": None, "created_at": func.now()},
            where=IdempotencyKey.created_at < func.now() - KEPT,
        )
        .returning(IdempotencyKey.key)
        .cte("claimed")
    )
    found = await session.execute(select(exists().select_from(claimed)))
    return bool(found.scalar_one())


async def _known(session: AsyncSession, claim: Claim) -> RowMapping:
    """Return the answer that was given.

    Raises:
        RequestInProgress: none was given yet.
        IdempotencyKeyReused: it was given to another request.
    """
    columns = IdempotencyKey.__table__.c
    statement = select(columns.fingerprint, columns.status, columns.body, columns.location)
    young = columns.created_at >= func.now() - KEPT
    found = await session.execute(statement.where(*_of(claim), young))
    known = found.mappings().one_or_none()
    if known is None:
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
