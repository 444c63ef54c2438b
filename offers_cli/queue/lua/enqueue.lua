-- Queues many jobs, each unless it already waits, runs or is scheduled, or has ended since a given moment.
-- KEYS: queue, scheduled, finished, failed, canceled, started, leases.
-- ARGV: time, timeout in seconds, that moment (seconds; empty for none), then (id, data, description) per job.
-- Answers how many were queued.

local queue, scheduled, finished, failed, canceled, started, leases = unpack(KEYS)
local origin = string.sub(queue, #'rq:queue:' + 1)
local at, since = iso(now), ARGV[3]
local queued = 0

local function is_present(id)
  local status = status_of(id)
  if ACTIVE[status] then return stands(queue, id, status) end
  return since ~= '' and (call('HGET', job_key(id), 'ended_at') or '') >= iso(tonumber(since))
end

-- RQ reads where a job stands before it cancels or deletes it: one put off in between is left in the registry `scheduled`.
local function forget(id)
  call('ZREM', scheduled, id)
  call('ZREM', finished, id)
  call('ZREM', failed, id)
  call('ZREM', canceled, id)
  end_executions(started, leases, id)
  call('DEL', job_key(id), 'rq:results:' .. id)
end

-- First of all a command that a full Redis refuses: after any other write it would let the script go on.
call('SADD', 'rq:queues', queue)
for i = 4, #ARGV, 3 do
  local id, data, description = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not is_present(id) then
    forget(id)
    call('HSET', job_key(id), 'created_at', at, 'data', data, 'success_callback_name', '', 'failure_callback_name', '',
      'stopped_callback_name', '', 'started_at', '', 'ended_at', '', 'last_heartbeat', '', 'worker_name', '', 'group_id', '',
      'origin', origin, 'description', description, 'enqueued_at', at, 'timeout', ARGV[2], 'status', 'queued')
    call('RPUSH', queue, id)
    queued = queued + 1
  end
end

return queued
