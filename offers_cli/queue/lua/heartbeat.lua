-- Renews a worker's registration and its leases.
-- KEYS: the worker, the worker's executions, started, leases.
-- ARGV: time, worker name, lease in seconds, worker ttl, keep in seconds, then the executions ("<job id>:<execution id>").
-- Answers whether the worker is still registered (1 or 0), then the executions that are no longer its own.

local worker_key, worker_executions, started, leases = unpack(KEYS)
local worker, lease, ttl, keep = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

-- First of all a write that a full Redis allows: after it, the rest is allowed too.
call('EXPIRE', worker_executions, keep)
local answer = { call('HEXISTS', worker_key, 'birth') }
if answer[1] == 1 then
  call('HSET', worker_key, 'last_heartbeat', iso(now))
  call('EXPIRE', worker_key, ttl)
end
for i = 6, #ARGV do
  local composite = ARGV[i]
  local id, execution = split(composite)
  if call('ZSCORE', leases, composite) and runs_in(id, execution) then
    call('ZADD', leases, now + lease, composite)
    call('HSET', 'rq:execution:' .. composite, 'last_heartbeat', stamp(now))
    call('EXPIRE', 'rq:execution:' .. composite, keep)
  else
    end_execution(started, leases, composite, id, execution, worker)
    answer[#answer + 1] = composite
  end
end
return answer
