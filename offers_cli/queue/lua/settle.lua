-- Ends executions, many in one step.
-- KEYS: queue, scheduled, started, leases, finished, failed, the worker, the counts of all workers.
-- ARGV: time, worker name, result ttl, failure ttl, then one JSON object per execution:
--   job, execution; status ("finished", "failed", "stopped", "scheduled", "queued"); spent (whether the attempt counts);
--   delay_s (of "scheduled"); meta and exc_string (of a failure).
-- Answers per execution: 1 settled, nil it was no longer ours (given to another worker, cancelled, deleted, begun anew).

local queue, scheduled, started, leases, finished, failed, worker_key, totals_key = unpack(KEYS)
local worker, result_ttl, failure_ttl = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local SUCCESSFUL, FAILED = 1, 2

-- What a job asks for itself: seconds; below 0 it is kept for ever, with 0 not at all.
local function ttl_of(id, field, default) return whole(call('HGET', job_key(id), field)) or default end

local function write_failure(item)
  local meta = foreign_meta(item.job)
  local is_alone = not next(meta)
  for name, value in pairs(cjson.decode(item.meta)) do meta[name] = value end
  call('HSET', job_key(item.job), 'meta', is_alone and item.meta or cjson.encode(meta))
end

local function end_job(item, registry, ttl, code, result)
  local key = job_key(item.job)
  call('HSET', key, 'status', item.status, 'ended_at', iso(now), 'last_heartbeat', iso(now))
  call('HDEL', key, 'attempts', 'deaths')
  start_dependents(item.job)
  if ttl == 0 then
    call('DEL', key, 'rq:results:' .. item.job)
    return
  end
  call('ZADD', registry, ttl < 0 and '+inf' or ended_score(now + ttl, code), item.job)
  if ttl > 0 then call('EXPIRE', key, ttl) end
  add_result(item.job, ttl, result)
end

local function finish(item, began)
  forget_failure(item.job)
  end_job(item, finished, ttl_of(item.job, 'result_ttl', result_ttl), nil, { 'type', SUCCESSFUL, 'worker_name', worker,
    'execution_id', item.execution, 'execution_started_at', stamp(began), 'execution_ended_at', stamp(now) })
end

-- A failed job is kept for a year: it keeps what an operator or a new attempt needs, and nothing twice.
local function fail(item)
  local key = job_key(item.job)
  write_failure(item)
  end_job(item, failed, ttl_of(item.job, 'failure_ttl', failure_ttl), cjson.decode(item.meta).code,
    { 'type', FAILED, 'exc_string', item.exc_string, 'worker_name', worker })
  call('HDEL', key, 'last_heartbeat')
  for _, field in ipairs({ 'success_callback_name', 'failure_callback_name', 'stopped_callback_name', 'group_id' }) do
    if call('HGET', key, field) == '' then call('HDEL', key, field) end
  end
end

local function put_off(item)
  call('HSET', job_key(item.job), 'status', 'scheduled', 'worker_name', '')
  write_failure(item)
  call('HDEL', job_key(item.job), 'deaths')
  call('ZADD', scheduled, stamp(now + item.delay_s), item.job)
end

local function put_back(item) put_in_queue(queue, item.job, 'LPUSH') end

local SETTLE = { finished = finish, failed = fail, stopped = fail, scheduled = put_off, queued = put_back }
local COUNTER = { finished = 'successful_job_count', failed = 'failed_job_count', stopped = 'failed_job_count' }

local ended, worked = {}, 0 -- jobs by counter, and seconds
local SECONDS = { 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300 }
local totals = {} -- of the queue, over all workers: attempts by outcome and code, and by how long they took

local function total(field, amount) totals[field] = (totals[field] or 0) + amount end

local function count_attempt(item, seconds)
  local outcome = item.status
  if outcome == 'stopped' then outcome = 'failed' end
  if outcome == 'scheduled' then outcome = item.spent and 'retried' or 'snoozed' end
  if outcome == 'queued' then outcome = 'given_back' end
  total(item.meta and outcome .. ' ' .. cjson.decode(item.meta).code or outcome, 1)
  if not COUNTER[item.status] then return end
  local limit = 'inf'
  for i = #SECONDS, 1, -1 do
    if seconds <= SECONDS[i] then limit = SECONDS[i] end
  end
  total('le ' .. limit, 1)
  total('ms', math.floor(seconds * 1000 + 0.5))
end

local function settle(item)
  local composite = item.job .. ':' .. item.execution
  local began = tonumber(call('HGET', 'rq:execution:' .. composite, 'created_at') or '')
  if not began or not (began >= 0 and began <= now) then began = now end -- foreign text may be "nan"
  local still_runs = runs_in(item.job, item.execution)
  local was_leased = end_execution(started, leases, composite, item.job, item.execution, worker)
  if not (was_leased and still_runs) then return false end
  if not item.spent then add(item.job, 'attempts', -1) end
  SETTLE[item.status](item, began)
  local counter = COUNTER[item.status]
  if counter then
    ended[counter] = (ended[counter] or 0) + 1
    worked = worked + now - began
  end
  count_attempt(item, now - began)
  return true
end

local function count_totals()
  for field, amount in pairs(totals) do call_counter('HINCRBY', totals_key, field, amount) end
end

local function count_ended()
  if not next(ended) or call('EXISTS', worker_key) == 0 then return end
  for counter, jobs in pairs(ended) do call_counter('HINCRBY', worker_key, counter, jobs) end
  call_counter('HINCRBYFLOAT', worker_key, 'total_working_time', stamp(worked))
end

-- RQ's own workers do so in their clean-up; where ours run alone, nobody else does.
local function drop_expired(registry) call('ZREMRANGEBYSCORE', registry, '-inf', '(' .. stamp(now)) end

local answer = {}
for i = 5, #ARGV do answer[#answer + 1] = settle(cjson.decode(ARGV[i])) end
count_ended()
count_totals()
drop_expired(finished)
drop_expired(failed)
return answer
