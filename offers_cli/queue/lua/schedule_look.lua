-- Reads the commands on a clock.
-- KEYS: the schedule, the leases of its queue, the leader.  ARGV: time, the prefix of their job ids.
-- Answers the time, 1 if a worker queues what is due, then per entry: name, definition, clock, run, skipped, the status of
-- its job, 1 if that runs in a living worker.

local schedule, leases, leader = unpack(KEYS)
local fields, names = {}, {}
local found = call('HGETALL', schedule)
for i = 1, #found, 2 do
  fields[found[i]] = found[i + 1]
  if not string.find(found[i], ':', 1, true) then names[#names + 1] = found[i] end
end
table.sort(names)

-- Of our workers by their lease, of RQ's own by their registration.
local function lives(id)
  for _, execution in ipairs(call('ZRANGE', 'rq:executions:' .. id, 0, -1)) do
    local composite = id .. ':' .. execution
    local leased_until = call('ZSCORE', leases, composite)
    if leased_until then return tonumber(leased_until) > now end
    local worker = call('HGET', 'rq:execution:' .. composite, 'worker_name')
    if worker and call('EXISTS', 'rq:worker:' .. worker) == 1 then return true end
  end
  return false
end

local answer = { stamp(now), call('EXISTS', leader) }
for _, name in ipairs(names) do
  local id = ARGV[2] .. name
  local status = status_of(id)
  answer[#answer + 1] = name
  answer[#answer + 1] = fields[name]
  for _, field in ipairs({ ':clock', ':run', ':skipped' }) do answer[#answer + 1] = fields[name .. field] or '' end
  answer[#answer + 1] = status
  answer[#answer + 1] = status == 'started' and lives(id) and 1 or 0
end
return answer
