-- Takes failed jobs out of their registry, with their hashes and results: what they were for is done.
-- KEYS: failed, started, leases. ARGV: time, then the job ids. Answers how many there were.

local failed, started, leases = unpack(KEYS)
local forgotten = 0

for i = 2, #ARGV do
  local id = ARGV[i]
  if call('ZREM', failed, id) == 1 then
    forgotten = forgotten + 1
    if not ACTIVE[status_of(id)] then
      end_executions(started, leases, id)
      call('DEL', job_key(id), 'rq:results:' .. id)
    end
  end
end

return forgotten
