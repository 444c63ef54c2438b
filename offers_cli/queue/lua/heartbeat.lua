-- Renews a worker's registration and its leases.
-- KEYS: the worker, the worker's executions, leases.
-- ARGV: time, lease in seconds, worker ttl, keep in seconds, then the executions ("<job id>:<execution id>").
-- Answers whether the worker is still registered (1 or 0), then the executions that are no longer its own.

local worker_key, worker_executions, leases = unpack(KEYS)
local lease, ttl, keep = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- First of all a write that a full Redis allows: after it, the rest is allowed too.
redis.call('EXPIRE', worker_executions, keep)
local answer = { redis.call('EXPIRE', worker_key, ttl) }
if answer[1] == 1 then redis.call('HSET', worker_key, 'last_heartbeat', iso(now)) end
for i = 5, #ARGV do
  local composite = ARGV[i]
  if redis.call('ZSCORE', leases, composite) then
    redis.call('ZADD', leases, now + lease, composite)
    redis.call('HSET', 'rq:execution:' .. composite, 'last_heartbeat', stamp(now))
    redis.call('EXPIRE', 'rq:execution:' .. composite, keep)
  else
    answer[#answer + 1] = composite
  end
end
return answer
