"""The steps of a cached entry's life as Lua, so that each is one round trip and none is seen half.

An entry is a hash: `version` is that of the row it was made from and only grows, `body` is what is
shown of it ("" when the row is gone). Beside it lies the set of the changes that are under way,
each of which has a token, so that a step that is done twice does no more than once. What does not
look like that is thrown away.
"""

FUNCTIONS = """
local function known(key)
  local version = redis.pcall('HGET', key, 'version')
  local odd = type(version) == 'table'
  if odd or (version and not (string.match(version, '^%d+$') and #version < 17)) then
    redis.call('DEL', key)
    return -1
  end
  return tonumber(version or '-1')
end
local function sure(key)
  return redis.call('TYPE', key .. ':doubts').ok ~= 'set'
end
local function put(key, version, body, ttl)
  redis.call('HSET', key, 'version', version, 'body', body)
  redis.call('EXPIRE', key, ttl)
end
local function look(key)
  local body = known(key) >= 0 and redis.call('HGET', key, 'body')
  local certain = sure(key)
  return {certain and body, certain and 1 or 0, redis.call('TIME')[1]}
end
"""

LOOK = f"{FUNCTIONS} return look(KEYS[1])"

FILL = f"""{FUNCTIONS}
local version, body, until_, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if tonumber(redis.call('TIME')[1]) > until_ or not sure(KEYS[1]) then return 0 end
if known(KEYS[1]) > tonumber(version) then return 0 end
put(KEYS[1], version, body, ttl)
return 1
"""

DOUBT = f"""{FUNCTIONS}
local doubts = KEYS[1] .. ':doubts'
if redis.call('TYPE', doubts).ok ~= 'set' then redis.call('DEL', doubts) end
redis.call('SADD', doubts, ARGV[1])
redis.call('EXPIRE', doubts, ARGV[2])
if known(KEYS[1]) >= 0 then redis.call('HDEL', KEYS[1], 'body') end
"""

SETTLE = f"""{FUNCTIONS}
local token, version, body, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local in_time = redis.pcall('SREM', KEYS[1] .. ':doubts', token) == 1
if version == '' or known(KEYS[1]) > tonumber(version) then return end
put(KEYS[1], version, body, ttl)
-- whose doubt is over may be very late, and a change that is under way may never be settled: then
-- the version tells that older cards are void, but nobody shall see this one
if not (in_time and sure(KEYS[1])) then redis.call('HDEL', KEYS[1], 'body') end
"""

OUTDATE = f"""{FUNCTIONS}
if known(KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], 'body')
redis.call('HSET', KEYS[1], 'version', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
