"""How often a visitor may call an endpoint, and what the answer says about it."""

from dataclasses import dataclass
from math import ceil

from aiohttp import web
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from kit import guards, session, visitors
from kit.attempts import ATTEMPTS, Attempts
from kit.errors import Exhausted
from kit.limits import FallbackLimiter, MemoryLimiter, RedisLimiter, Ticket
from kit.settings import Settings


class TooManyRequests(Exhausted):
    """You have sent too many requests of this kind; `Retry-After` says when to go on."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Hold what is allowed to everybody, and who counts."""

    limiter: FallbackLimiter | MemoryLimiter
    calls: int
    period: float  # seconds


RATES = web.AppKey("RATES", Rates)


def setup(app: web.Application, settings: Settings, redis: aioredis.Redis) -> None:
    """Give the application its limiters."""
    calls, period = settings.rate_limiter_calls, settings.rate_limiter_period.total_seconds()
    if settings.rate_limiter_backend == "memory":
        memory = MemoryLimiter()
        app[RATES] = Rates(memory, calls, period)
        app[ATTEMPTS] = Attempts(memory)
    else:
        counting = RedisLimiter(redis)
        app[RATES] = Rates(FallbackLimiter(counting), calls, period)
        app[ATTEMPTS] = Attempts(counting)  # without Redis nobody signs in


async def admit(request: web.Request, name: str) -> None:
    """Count a call of the visitor, and let the answer say how many are left.

    Raises:
        TooManyRequests: there is none left.
    """
    rates = request.config_dict[RATES]
    ticket = Ticket(name, await _who(request), rates.calls, rates.period)
    verdict = await rates.limiter.take([ticket])
    request[guards.EXTRA] = {
        # the names of draft-ietf-httpapi-ratelimit-headers-03, the last with one value for each
        "RateLimit-Limit": str(rates.calls),
        "RateLimit-Remaining": str(verdict.left),
        "RateLimit-Reset": str(ceil(verdict.grows_in)),
        "RateLimit-Policy": f"{rates.calls};w={ceil(rates.period)}",
    }
    if verdict.wait:
        raise TooManyRequests(retry_after=ceil(verdict.wait))


async def _who(request: web.Request) -> str:
    """Name the signed-in user, else the client's address."""
    try:
        identity = await session.who(request)
    except RedisError:  # nobody can say who it is
        identity = None
    return f"user {identity.user_id}" if identity else visitors.visitor(request)
