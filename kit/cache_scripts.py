"""The steps of a cached entry's life as Lua, so that each is one round trip and none is seen half.

An entry is a hash: `version` is that of the row it was made from and only grows, `body` is what is
shown of it ("" when the row is gone). Beside it lies the set of the changes that are under way,
each of which has a token, so that a step that is done twice does no more than once.
"""

LOOK_FUNCTION = """
local function look(key)
  local sure = redis.call('EXISTS', key .. ':doubts') == 0
  local body = redis.pcall('HGET', key, 'body')
  if type(body) == 'table' then redis.call('DEL', key) body = false end
  return {sure and body, sure and 1 or 0, redis.call('TIME')[1]}
end
"""

LOOK = f"{LOOK_FUNCTION} return look(KEYS[1])"

FILL = """
local version, body, until_, ttl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
if tonumber(redis.call('TIME')[1]) > until_ then return 0 end
if redis.call('EXISTS', KEYS[1] .. ':doubts') == 1 then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'version') or '-1') > version then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', body)
redis.call('EXPIRE', KEYS[1], ttl)
return 1
"""

DOUBT = """
redis.call('SADD', KEYS[1] .. ':doubts', ARGV[1])
redis.call('EXPIRE', KEYS[1] .. ':doubts', ARGV[2])
redis.pcall('HDEL', KEYS[1], 'body')
"""

SETTLE = """
local token, version, body, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('SREM', KEYS[1] .. ':doubts', token)
if version == '' then return end
local known = redis.pcall('HGET', KEYS[1], 'version')
if type(known) == 'table' then redis.call('DEL', KEYS[1]) known = false end
if tonumber(known or '-1') > tonumber(version) then return end
redis.call('HSET', KEYS[1], 'version', version, 'body', body)
redis.call('EXPIRE', KEYS[1], ttl)
"""

OUTDATE = """
local known = redis.pcall('HGET', KEYS[1], 'version')
if type(known) == 'table' then redis.call('DEL', KEYS[1]) known = false end
if tonumber(known or '-1') >= tonumber(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], 'body')
redis.call('HSET', KEYS[1], 'version', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
