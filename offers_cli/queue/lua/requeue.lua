-- Puts failed jobs back in the queue, as new ones: their attempts and their failure are forgotten, their results stay.
-- KEYS: failed, queue.
-- ARGV: time, 1 to change nothing, failed before (seconds; empty for any), wanted codes (",a,b,"; empty for any),
--       codes that are left alone (as those), how many at the most, then the job ids.
-- Answers how many matched, were put back, were skipped (their hash has expired or is another queue's, or they wait or run
-- already), and how many of the ids remain in the registry.

local failed, queue = unpack(KEYS)
local only_look, before, codes, but_for, limit = ARGV[2] == '1', ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local matched, requeued, skipped, remaining = 0, 0, 0, 0

local function is_among(codes, code) return string.find(codes, ',' .. code .. ',', 1, true) end

local function is_wanted(id, score)
  local code = failed_code(id, score)
  if codes ~= '' and not is_among(codes, code) or but_for ~= '' and is_among(but_for, code) then return false end
  return before == '' or (call('HGET', job_key(id), 'ended_at') or '') <= iso(tonumber(before))
end

local function put_back(id)
  call('HSET', job_key(id), 'enqueued_at', iso(now), 'ended_at', '')
  call('HDEL', job_key(id), 'attempts', 'deaths')
  forget_failure(id)
  call('PERSIST', job_key(id))
  put_in_queue(queue, id, 'RPUSH')
end

for i = 7, #ARGV do
  local id = ARGV[i]
  local there = call('ZSCORE', failed, id)
  local usable = there and has_hash(job_key(id)) and not is_foreign(queue, id) and not ACTIVE[status_of(id)]
  if there and (matched == limit or usable and not is_wanted(id, tonumber(there))) then
    remaining = remaining + 1
  elseif there then
    matched = matched + 1
    if only_look then
      remaining = remaining + 1
    else
      call('ZREM', failed, id)
      if usable then put_back(id) end
    end
    if not usable then skipped = skipped + 1 elseif not only_look then requeued = requeued + 1 end
  end
end

if requeued > 0 then call('SADD', 'rq:queues', queue) end
return { matched, requeued, skipped, remaining }
