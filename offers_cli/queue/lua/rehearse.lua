-- Does once, on keys that hold nothing, what the other scripts of a worker do, and leaves nothing behind: a Redis user who
-- may not do all of it is refused here, and not in the middle of a script, with a job taken and not yet started.
-- KEYS: one name of every family that the scripts write.  ARGV: time.

local function rehearse(key)
  -- First of all a write that a full Redis allows: after it, the rest is allowed too.
  redis.call('DEL', key)
  redis.call('HSET', key, 'n', 1)
  redis.call('EXPIRE', key, 60)
  redis.call('PERSIST', key)
  redis.call('EXISTS', key)
  redis.call('TYPE', key)
  redis.call('HGET', key, 'n')
  redis.call('HMGET', key, 'n')
  redis.call('HEXISTS', key, 'n')
  redis.call('HSTRLEN', key, 'n')
  redis.call('HINCRBY', key, 'n', 1)
  redis.call('HINCRBYFLOAT', key, 'n', 1)
  redis.call('HSETNX', key, 'n', 1)
  redis.call('HDEL', key, 'n')

  redis.call('ZADD', key, now, 'member')
  redis.call('ZSCORE', key, 'member')
  redis.call('ZCARD', key)
  redis.call('ZRANGE', key, 0, 0)
  redis.call('ZRANGEBYSCORE', key, '-inf', now)
  redis.call('ZREM', key, 'member')
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)

  redis.call('SADD', key, 'member')
  redis.call('SCARD', key)
  redis.call('SMEMBERS', key)
  redis.call('SREM', key, 'member')

  redis.call('RPUSH', key, 'last')
  redis.call('LPUSH', key, 'first')
  redis.call('LLEN', key)
  redis.call('LINDEX', key, 0)
  redis.call('LRANGE', key, 0, 0)
  redis.call('LPOS', key, 'last')
  redis.call('LPOP', key)
  redis.call('LREM', key, 1, 'last')

  redis.call('SET', key, 0, 'EX', 60)
  redis.call('GET', key)
  redis.call('INCRBY', key, 2)
  redis.call('DEL', key)

  redis.call('XADD', key, 'MAXLEN', '~', 10, '*', 'type', 1)
  redis.call('RENAME', key, 'offers:quarantine:rehearsal')
  redis.call('DEL', 'offers:quarantine:rehearsal')
end

for _, key in ipairs(KEYS) do
  local done, refusal = pcall(rehearse, key)
  redis.call('DEL', key)
  if not done then return type(refusal) == 'table' and refusal or redis.error_reply(refusal) end
end
return #KEYS
