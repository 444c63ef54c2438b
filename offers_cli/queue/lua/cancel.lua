-- Cancels a job that waits or runs, as RQ does it; a running attempt learns of it at its next heartbeat.
-- KEYS: queue, read, started, leases, canceled, then the registries of jobs that wait.  ARGV: time, the job id.
-- Answers 1, or nil if it neither waits nor runs here.

local queue, read, started, leases, canceled = unpack(KEYS)
local id = ARGV[2]
if not is_ours(queue, id) or not ACTIVE[status_of(id)] then return false end

-- First of all a command that a full Redis refuses: after any other write it would let the script go on.
call('HSET', job_key(id), 'status', 'canceled')
take_out(queue, read, { unpack(KEYS, 6) }, id)
end_executions(started, leases, id)
call('ZADD', canceled, math.floor(now), id)
return true
