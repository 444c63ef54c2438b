-- How every script speaks to Redis: `call` instead of `redis.call`. A key of another type than its command is for, planted
-- or corrupt, would stop a script in its middle, with a job taken and not yet started. Here it makes way: it is renamed,
-- listed in `offers:quarantine`, and its place is empty.

local QUARANTINE, KEPT_ASIDE = 'offers:quarantine', 1000
local TYPE_FOR = {
  GET = 'string', SET = 'string', INCRBY = 'string', DECR = 'string',
  HGET = 'hash', HMGET = 'hash', HGETALL = 'hash', HSET = 'hash', HSETNX = 'hash', HDEL = 'hash', HEXISTS = 'hash',
  HSTRLEN = 'hash', HINCRBY = 'hash', HINCRBYFLOAT = 'hash',
  LPOP = 'list', LPUSH = 'list', RPUSH = 'list', LLEN = 'list', LRANGE = 'list', LINDEX = 'list', LREM = 'list',
  LPOS = 'list', LTRIM = 'list',
  SADD = 'set', SREM = 'set', SMEMBERS = 'set', SCARD = 'set',
  ZADD = 'zset', ZCARD = 'zset', ZCOUNT = 'zset', ZRANGE = 'zset', ZRANGEBYSCORE = 'zset', ZREM = 'zset',
  ZREMRANGEBYSCORE = 'zset', ZSCORE = 'zset',
  XADD = 'stream', XREVRANGE = 'stream',
}
local checked = {} -- the keys whose type was looked at

local call

-- Of the many that a stranger could plant only the newest are kept.
local function set_aside(key)
  local time = redis.call('TIME')
  local at = string.format('%d.%06d', time[1], time[2])
  local name = QUARANTINE .. ':' .. at .. ':' .. key
  redis.call('RENAME', key, name)
  call('ZADD', QUARANTINE, at, name)
  for _, old in ipairs(call('ZRANGE', QUARANTINE, 0, -1 - KEPT_ASIDE)) do
    if string.sub(old, 1, #QUARANTINE + 1) == QUARANTINE .. ':' then redis.call('DEL', old) end
    call('ZREM', QUARANTINE, old)
  end
end

-- Whether there is such a key, of that type; one of another type makes way.
local function is_there(key, wanted)
  local found = redis.call('TYPE', key).ok
  checked[key] = true
  if found ~= wanted and found ~= 'none' then set_aside(key) end
  return found == wanted
end

function call(command, key, ...)
  if not checked[key] and TYPE_FOR[command] then is_there(key, TYPE_FOR[command]) end
  return redis.call(command, key, ...)
end

-- For the commands that add to a number: a counter that holds none makes way too.
local function call_counter(command, key, ...)
  if not checked[key] then is_there(key, TYPE_FOR[command]) end
  local answer = redis.pcall(command, key, ...)
  local refusal = type(answer) == 'table' and answer.err
  if not refusal then return answer end
  if string.find(refusal, 'not an? ') or string.find(refusal, 'overflow') or string.find(refusal, 'NaN') then set_aside(key) end
  return redis.call(command, key, ...)
end
