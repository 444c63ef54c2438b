-- Queues one run of a command on a clock, and turns its clock, in one step: no run is queued twice, and none is lost.
-- KEYS: schedule, queue, started, leases, scheduled, finished, failed, canceled, RQ's registry of cron jobs, the history of
--   this one.
-- ARGV: time, name, the clock as it was read, the new clock, job id, data, description, timeout in seconds, and for
--   how many seconds the history is kept.
-- Answers "queued", "running" (the run before waits or runs still), or "changed" (somebody else turned the clock).

local schedule, queue, started, leases = unpack(KEYS)
local cron_jobs, history = KEYS[9], KEYS[10]
local name, seen, new_clock, id, data, description, timeout = unpack(ARGV, 2, 8)
local history_ttl = ARGV[9]

-- First of all a command that a full Redis refuses: after any other write it would let the script go on.
call('SADD', 'rq:queues', queue)
if call('HEXISTS', schedule, name) == 0 or (call('HGET', schedule, name .. ':clock') or '') ~= seen then return 'changed' end
call('HSET', schedule, name .. ':clock', new_clock)
local status = status_of(id)
if ACTIVE[status] and stands(queue, id, status) then
  call('HSET', schedule, name .. ':skipped', iso(now))
  return 'running'
end
call('HDEL', schedule, name .. ':skipped')
queue_anew(queue, started, leases, { unpack(KEYS, 5, 8) }, iso(now), { { id, data, description } }, timeout)

-- As `rq.cron.CronJob.enqueue` keeps them. Ours has one job id for all its runs.
call('ZADD', history, math.floor(now), id)
call('EXPIRE', history, history_ttl)
call('ZADD', cron_jobs, stamp(now), name)
return 'queued'
