-- Ends executions, many in one step.
-- KEYS: queue, scheduled, started, leases, finished, failed, the worker.
-- ARGV: time, worker name, result ttl, failure ttl, then one JSON object per execution:
--   job, execution; verdict ("finished", "failed", "stopped", "scheduled", "queued"); spent (whether the attempt counts);
--   delay_s (of "scheduled"); meta and exc_string (of a failure).
-- Answers per execution: 1 settled, 0 it was no longer ours (given to another worker, cancelled, deleted, begun anew).

local queue, scheduled, started, leases, finished, failed, worker_key = unpack(KEYS)
local worker, result_ttl, failure_ttl = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local SUCCESSFUL, FAILED = 1, 2

local function end_job(item, registry, ttl, result)
  local key = job_key(item.job)
  redis.call('HSET', key, 'status', item.verdict, 'ended_at', iso(now), 'last_heartbeat', iso(now))
  redis.call('HDEL', key, 'attempts', 'deaths')
  redis.call('ZADD', registry, math.floor(now) + ttl, item.job)
  redis.call('EXPIRE', key, ttl)
  add_result(item.job, ttl, result)
  start_dependents(item.job)
end

local function finish(item, result)
  redis.call('HDEL', job_key(item.job), 'meta')
  end_job(item, finished, result_ttl, { 'type', SUCCESSFUL, unpack(result) })
end

local function fail(item, result)
  redis.call('HSET', job_key(item.job), 'meta', item.meta)
  end_job(item, failed, failure_ttl, { 'type', FAILED, 'exc_string', item.exc_string, unpack(result) })
end

local function put_off(item)
  redis.call('HSET', job_key(item.job), 'status', 'scheduled', 'worker_name', '', 'meta', item.meta)
  redis.call('HDEL', job_key(item.job), 'deaths')
  redis.call('ZADD', scheduled, stamp(now + item.delay_s), item.job)
end

local function put_back(item) put_in_queue(queue, item.job, 'LPUSH') end

local SETTLE = { finished = finish, failed = fail, stopped = fail, scheduled = put_off, queued = put_back }
local COUNTER = { finished = 'successful_job_count', failed = 'failed_job_count', stopped = 'failed_job_count' }

local function settle(item)
  local composite = item.job .. ':' .. item.execution
  local began = redis.call('HGET', 'rq:execution:' .. composite, 'created_at')
  local leased = redis.call('ZSCORE', leases, composite)
  local ours = leased and runs_in(item.job, item.execution)
  end_execution(started, leases, composite, item.job, item.execution, worker)
  if not ours then return 0 end
  if not item.spent then add(item.job, 'attempts', -1) end
  SETTLE[item.verdict](item, { 'worker_name', worker, 'execution_id', item.execution,
    'execution_started_at', began or stamp(now), 'execution_ended_at', stamp(now) })
  if COUNTER[item.verdict] and redis.call('EXISTS', worker_key) == 1 then
    redis.call('HINCRBY', worker_key, COUNTER[item.verdict], 1)
    redis.call('HINCRBYFLOAT', worker_key, 'total_working_time', stamp(now - (tonumber(began) or now)))
  end
  return 1
end

-- RQ's own workers do so in their clean-up; where ours run alone, nobody else does.
local function drop_expired(registry) redis.call('ZREMRANGEBYSCORE', registry, '-inf', '(' .. stamp(now)) end

local answer = {}
for i = 5, #ARGV do answer[#answer + 1] = settle(cjson.decode(ARGV[i])) end
drop_expired(finished)
drop_expired(failed)
return answer
