"""The steps of a cached entry's life as Lua, so that each is one round trip and none is seen half.

An entry is a hash. `version` is that of the row it was made from and only grows, `body` is what
is shown of it ("" when the row is gone), `doubts` counts the changes that are under way.
"""

LOOK_FUNCTION = """
local function look(key)
  local r = redis.pcall('HMGET', key, 'body', 'doubts')
  if r.err then redis.call('DEL', key) r = {false, false} end
  local sure = tonumber(r[2] or '0') == 0
  return {sure and r[1], sure and 1 or 0, redis.call('TIME')[1]}
end
"""

LOOK = f"{LOOK_FUNCTION} return look(KEYS[1])"

FILL = """
local version, body, until_, ttl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local r = redis.call('HMGET', KEYS[1], 'version', 'doubts')
if tonumber(redis.call('TIME')[1]) > until_ then return 0 end
if tonumber(r[2] or '0') > 0 or tonumber(r[1] or '-1') > version then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', body)
redis.call('EXPIRE', KEYS[1], ttl)
return 1
"""

DOUBT = """
redis.call('HDEL', KEYS[1], 'body')
redis.call('HINCRBY', KEYS[1], 'doubts', 1)
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""

SETTLE = """
local version, body, ttl, doubted = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local r = redis.call('HMGET', KEYS[1], 'version', 'doubts')
local doubts = math.max(tonumber(r[2] or '0') - 1, 0)
redis.call('HSET', KEYS[1], 'doubts', doubts)
if version ~= '' and tonumber(r[1] or '-1') <= tonumber(version) then
  redis.call('HSET', KEYS[1], 'version', version, 'body', body)
end
redis.call('EXPIRE', KEYS[1], doubts > 0 and doubted or ttl)
"""

OUTDATE = """
local r = redis.call('HMGET', KEYS[1], 'version', 'doubts')
if tonumber(r[1] or '-1') >= tonumber(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], 'body')
redis.call('HSET', KEYS[1], 'version', ARGV[1])
if tonumber(r[2] or '0') == 0 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
"""
