"""The steps of a session's life as Lua, so that each is one round trip and none is seen half."""

from kit.cache_scripts import FUNCTIONS

LOAD = (
    f"""
{FUNCTIONS}
"""
    + """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return false end
local idle, lifetime = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = tonumber(redis.call('TIME')[1])
local function dead() redis.call('DEL', KEYS[1]) return false end
if kind ~= 'hash' then return dead() end
local fields = {'user_id', 'epoch', 'created_at', 'last_seen_at', 'is_staff'}
local r = redis.call('HMGET', KEYS[1], unpack(fields))
for i = 1, 5 do
  if not (r[i] and string.match(r[i], '^%d+$') and #r[i] < 20) then return dead() end
end
if #r[1] == 19 and r[1] > '9223372036854775807' then return dead() end
local epoch, created, seen = tonumber(r[2]), tonumber(r[3]), tonumber(r[4])
if created > now + 60 or seen > now + 60 then return dead() end
local valid_from = tonumber(redis.call('GET', 'user-epoch:' .. r[1]) or '0')
local rest = math.min(idle, created + lifetime - now)
-- one that is too old stays: whoever changed the password may be about to keep it
if epoch < valid_from then return false end
if rest <= 0 or now - seen >= idle then return dead() end
if now - seen >= math.min(60, idle / 10) then
  redis.call('HSET', KEYS[1], 'last_seen_at', now)
  redis.call('EXPIRE', KEYS[1], rest)
end
return {r[1], r[5], KEYS[2] and look(KEYS[2]) or false}
"""
)

CREATE = """
local user, epoch = ARGV[1], tonumber(ARGV[2])
local idle, lifetime = tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now, micros = tonumber(clock[1]), tonumber(clock[2])
if epoch < tonumber(redis.call('GET', 'user-epoch:' .. user) or '0') then return 0 end
redis.call('HSET', 'session:' .. KEYS[1], 'user_id', user, 'epoch', epoch, 'is_staff', ARGV[3],
  'created_at', now, 'last_seen_at', now, 'ip', ARGV[6], 'user_agent', ARGV[7])
redis.call('EXPIRE', 'session:' .. KEYS[1], math.min(idle, lifetime))
redis.call('ZREMRANGEBYSCORE', 'user-sessions:' .. user, '-inf', now)
redis.call('ZADD', 'user-sessions:' .. user, now + lifetime + micros / 1e6, KEYS[1])
redis.call('EXPIRE', 'user-sessions:' .. user, lifetime)
return 1
"""

LIST = """
local found = {}
local valid_from = tonumber(redis.call('GET', 'user-epoch:' .. ARGV[1]) or '0')
for _, id in ipairs(redis.call('ZREVRANGE', 'user-sessions:' .. ARGV[1], 0, -1)) do
  local key = 'session:' .. id
  local r = redis.call('TYPE', key).ok == 'hash'
    and redis.call('HMGET', key, 'created_at', 'last_seen_at', 'ip', 'user_agent', 'epoch') or {}
  local whole = r[1] and r[2] and r[3] and r[4]
  if whole and string.match(r[1], '^%d+$') and string.match(r[2], '^%d+$') and #r[1] < 12
    and #r[2] < 12 then
    local lives = (tonumber(r[5]) or 0) >= valid_from
    if lives then found[#found + 1] = {id, r[1], r[2], r[3], r[4]} end
  else
    redis.call('DEL', key)
    redis.call('ZREM', 'user-sessions:' .. ARGV[1], id)
  end
end
return found
"""

END = """
if redis.call('ZREM', 'user-sessions:' .. ARGV[1], KEYS[1]) == 0 then return 0 end
return redis.call('DEL', 'session:' .. KEYS[1])
"""

REFUSE_OLDER = """
local valid_from = 'user-epoch:' .. ARGV[1]
local epoch = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', valid_from) or '0'))
if epoch > 0 then redis.call('SET', valid_from, epoch, 'EX', ARGV[3]) end
"""

END_ALL = """
local index, valid_from = 'user-sessions:' .. ARGV[1], 'user-epoch:' .. ARGV[1]
local epoch = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', valid_from) or '0'))
if epoch > 0 then redis.call('SET', valid_from, epoch, 'EX', ARGV[3]) end
for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  if id == KEYS[1] and redis.call('EXISTS', 'session:' .. id) == 1 then
    if tonumber(ARGV[2]) > 0 then redis.call('HSET', 'session:' .. id, 'epoch', epoch) end
  else
    redis.call('DEL', 'session:' .. id)
    redis.call('ZREM', index, id)
  end
end
"""
