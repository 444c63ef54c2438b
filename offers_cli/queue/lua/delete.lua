-- Deletes a job of this queue, wherever it stands and whatever is left of it. What is another queue's stays as it is: only
-- its entries here go.
-- KEYS: queue, read, started, leases, then the other registries.  ARGV: time, the job id.
-- Answers 1, or nil if nothing was there.

local queue, read, started, leases = unpack(KEYS)
local id = ARGV[2]
local found = take_out(queue, read, { unpack(KEYS, 5) }, id)

for _, registry in ipairs({ started, leases }) do
  for _, entry in ipairs(entries_of(registry, id)) do
    call('ZREM', registry, entry)
    found = true
  end
end
if is_ours(queue, id) or found and not is_foreign(queue, id) then
  forget_job(started, leases, id)
  found = true
end
return found
