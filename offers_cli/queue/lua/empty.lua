-- Takes the first entries out of the queue or of a registry, and deletes their jobs: those that wait or run elsewhere by
-- now, or are another queue's, stay.
-- KEYS: what is emptied, queue, read, started, leases.  ARGV: time, the status of its jobs, how many entries.
-- Answers how many entries there were.

local emptied, queue, read, started, leases = unpack(KEYS)
local status, count = ARGV[2], tonumber(ARGV[3])

local function take_first()
  local kind, entries = redis.call('TYPE', emptied).ok, {}
  if kind == 'list' then
    entries = call('LRANGE', emptied, 0, count - 1)
    call('LTRIM', emptied, count, -1)
    call('DEL', read)
  elseif kind == 'zset' then
    entries = call('ZRANGE', emptied, 0, count - 1)
    call('ZREM', emptied, unpack(entries))
  else
    call('DEL', emptied) -- another program's, or broken: nothing of ours can stand in it
  end
  return entries
end

local function belongs_here(id)
  if is_foreign(queue, id) then return false end
  local found = has_hash(job_key(id)) and status_of(id)
  return found == status or not ACTIVE[found]
end

local entries = take_first()
for _, entry in ipairs(entries) do
  local id = emptied == started and split(entry) or entry
  call('ZREM', leases, entry) -- where it is an execution
  if belongs_here(id) then forget_job(started, leases, id) end
end
return #entries
