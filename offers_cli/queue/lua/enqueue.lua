-- Queues many jobs, each unless it already waits, runs or is scheduled, or has ended since a given moment.
-- KEYS: queue, scheduled, finished, failed, canceled, started, leases.
-- ARGV: time, timeout in seconds, that moment (seconds; empty for none), then (id, data, description) per job.
-- Answers how many were queued.

local queue, scheduled, finished, failed, canceled, started, leases = unpack(KEYS)
local registries, at, since = { scheduled, finished, failed, canceled }, iso(now), ARGV[3]
local jobs, chosen = {}, {}

local function is_present(id)
  local status = status_of(id)
  if ACTIVE[status] then return stands(queue, id, status) end
  return since ~= '' and (call('HGET', job_key(id), 'ended_at') or '') >= iso(tonumber(since))
end

-- First of all a command that a full Redis refuses: after any other write it would let the script go on.
call('SADD', 'rq:queues', queue)
for i = 4, #ARGV, 3 do
  local id = ARGV[i]
  if not chosen[id] and not is_present(id) then
    chosen[id] = true
    jobs[#jobs + 1] = { id, ARGV[i + 1], ARGV[i + 2] }
  end
end
queue_anew(queue, started, leases, registries, at, jobs, ARGV[2])

return #jobs
