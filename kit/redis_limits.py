"""Calls counted in Redis by its clock: exact over all processes."""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from typing import Any

from redis import asyncio as aioredis
from redis.exceptions import TimeoutError as RedisTimeoutError

from kit.limits import SOON, Ticket, Verdict

LIMIT = 1.0  # seconds for a step, whatever the client tries on the way

# KEYS: one per ticket, of the calls that count; `<key>:held` has the undecided ones by deadline.
# ARGV: token, microseconds to hold it, then calls and microseconds of each ticket.
TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local hold = tonumber(ARGV[2])
local wait, undecided, left, grows = 0, 0, 0, 0
for i, key in ipairs(KEYS) do
  local calls, period = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - period)
  redis.call('ZREMRANGEBYSCORE', key .. ':held', '-inf', now)
  local counted, held = redis.call('ZCARD', key), redis.call('ZCARD', key .. ':held')
  local surplus = counted + held - calls
  if surplus >= 0 then
    local this = SOON
    if surplus < counted then
      local leaves = redis.call('ZRANGE', key, surplus, surplus, 'WITHSCORES')
      this = math.max(tonumber(leaves[2]) + period - now, 1)
    end
    wait, undecided = math.max(wait, this), math.max(undecided, held)
  end
end
for i, key in ipairs(KEYS) do
  local calls, period = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  if wait == 0 and hold > 0 then
    redis.call('ZADD', key .. ':held', now + hold, ARGV[1])
    redis.call('PEXPIRE', key .. ':held', math.ceil(hold / 1000) + 1)
  elseif wait == 0 then
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, math.ceil(period / 1000) + 1)
  end
  if i == 1 then
    local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    left = math.max(0, calls - redis.call('ZCARD', key) - redis.call('ZCARD', key .. ':held'))
    if oldest[2] then grows = tonumber(oldest[2]) + period - now end
  end
end
return {wait, undecided, left, grows}
""".replace("SOON", str(int(SOON * 1_000_000)))

# ARGV: token, 1 when it counts, then the microseconds of each ticket.
SETTLE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
for i, key in ipairs(KEYS) do
  redis.call('ZREM', key .. ':held', ARGV[1])
  redis.call('ZREM', key, ARGV[1])
  if ARGV[2] == '1' then
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, math.ceil(tonumber(ARGV[2 + i]) / 1000) + 1)
  end
end
"""


class RedisLimiter:
    """Count in Redis."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._take = redis.register_script(TAKE)
        self._settle = redis.register_script(SETTLE)

    async def take(self, tickets: Sequence[Ticket], hold: float = 0.0) -> Verdict:
        """Take one call of each ticket, or none.

        Raises:
            RedisError: Redis does not answer.
        """
        token = secrets.token_hex(8)
        args: list[int | str] = [token, _micros(hold)]
        for ticket in tickets:
            args += [ticket.calls, _micros(ticket.period)]
        found = await _bounded(self._take([ticket.key for ticket in tickets], args))
        wait, undecided, left, grows = found
        return Verdict(token, wait / 1e6, left, grows / 1e6, undecided)

    async def settle(self, tickets: Sequence[Ticket], token: str, *, counts: bool) -> None:
        """Decide whether a call counts.

        Raises:
            RedisError: Redis does not answer.
        """
        args: list[int | str] = [token, int(counts)]
        args += [_micros(ticket.period) for ticket in tickets]
        await _bounded(self._settle([ticket.key for ticket in tickets], args))


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)


async def _bounded(step: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(LIMIT):
            return await step
    except TimeoutError as error:
        raise RedisTimeoutError from error
