"""How often a visitor may call an endpoint, and what the answer says about it."""

from dataclasses import dataclass
from math import ceil

from aiohttp import web
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from kit import guards, session, visitors
from kit.attempts import ATTEMPTS, REFUSALS, Attempts
from kit.errors import Exhausted
from kit.limits import FallbackLimiter, Limiter, MemoryLimiter, Ticket
from kit.redis_limits import RedisLimiter
from kit.settings import Settings


class TooManyRequests(Exhausted):
    """You have sent too many requests of this kind; `Retry-After` says when to go on."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Hold what is allowed to everybody, and who counts."""

    limiter: FallbackLimiter
    calls: int
    period: float  # seconds


RATES = web.AppKey("RATES", Rates)


def setup(app: web.Application, settings: Settings, redis: aioredis.Redis) -> None:
    """Give the application its limiters."""
    calls, period = settings.rate_limiter_calls, settings.rate_limiter_period.total_seconds()
    in_memory = settings.rate_limiter_backend == "memory"
    limiter: Limiter = MemoryLimiter() if in_memory else RedisLimiter(redis)
    app[RATES] = Rates(FallbackLimiter(limiter), calls, period)
    app[ATTEMPTS] = Attempts(limiter)  # without Redis nobody signs in


async def admit(request: web.Request, name: str) -> None:
    """Count a call of the visitor, and let the answer say how many are left.

    Raises:
        TooManyRequests: there is none left.
    """
    rates = request.config_dict[RATES]
    who = await _who(request, rates.limiter)
    verdict = await rates.limiter.take(Ticket(name, who, rates.calls, rates.period))
    request[guards.EXTRA] = {
        # the names of draft-ietf-httpapi-ratelimit-headers-03, the last with one value for each
        "RateLimit-Limit": str(rates.calls),
        "RateLimit-Remaining": str(verdict.left),
        "RateLimit-Reset": str(ceil(verdict.grows_in)),
        "RateLimit-Policy": f"{rates.calls};w={ceil(rates.period)}",
    }
    if verdict.wait:
        REFUSALS.of(name).inc()
        raise TooManyRequests(retry_after=ceil(verdict.wait))


async def _who(request: web.Request, limiter: FallbackLimiter) -> str:
    """Name the signed-in user, else, or when nobody can tell who it is, the client's address."""
    identity = None
    try:
        if not limiter.rests:
            identity = await session.who(request)
    except RedisError as error:
        limiter.rest(error)
    return f"user {identity.user_id}" if identity else visitors.visitor(request)
