-- Takes jobs from the queue and starts them, all in one step: there is no instant at which a taken job is in no registry.
-- First it queues the scheduled jobs that are due, so that no scheduler process is needed.
-- KEYS: queue, scheduled, started, leases, failed, the worker, the worker's executions.
-- ARGV: time, worker name, jobs it already holds, lease in seconds, keep in seconds, how many places one host may hold while
--   jobs of other hosts wait near the front of the queue, the places that hosts hold (JSON), then one new execution id per
--   place. So places that wait for the turn of one host never block the others.
-- Answers time, 1 if suspended, jobs left in the queue, then per job:
--   id, execution id, attempt, 1 if it must run alone, data (empty if too large), the forbidden fields that are set.

local queue, scheduled, started, leases, failed, worker_key, worker_executions = unpack(KEYS)
local worker, held, lease, keep = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local most_of_a_host, places_of = tonumber(ARGV[6]), cjson.decode(ARGV[7])
local FIRST_EXECUTION, LOOK_AHEAD = 8, 100
local DATA_LIMIT, ID_LIMIT, MOVED_AT_ONCE, DROPPED_AT_ONCE = 16384, 200, 1000, 1000
local FORBIDDEN = { 'success_callback_name', 'failure_callback_name', 'stopped_callback_name', 'webhooks', 'repeats_left',
  'rate_limit_key' }

local function queue_due_jobs()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, MOVED_AT_ONCE)) do
    redis.call('ZREM', scheduled, id)
    if has_hash(job_key(id)) and status_of(id) == 'scheduled' then
      redis.call('HSET', job_key(id), 'enqueued_at', iso(now))
      put_in_queue(queue, id, 'RPUSH')
    end
  end
end

-- Twice in the list, expired, or not a job at all: nothing to run.
local function is_runnable(id)
  if #id > ID_LIMIT or not string.find(id, '^[%w_-]+$') or not has_hash(job_key(id)) then return false end
  local status = status_of(id)
  if status == 'started' or status == 'scheduled' or status == 'deferred' then return not stands(queue, id, status) end
  if status == 'failed' or status == 'stopped' then return not redis.call('ZSCORE', failed, id) end
  return status ~= 'finished' and status ~= 'canceled'
end

local function start(id, execution)
  local key, composite = job_key(id), id .. ':' .. execution
  end_executions(started, leases, id)
  redis.call('HSET', key, 'status', 'started', 'started_at', iso(now), 'last_heartbeat', iso(now), 'worker_name', worker)
  redis.call('PERSIST', key)
  redis.call('HSET', 'rq:execution:' .. composite, 'id', execution, 'job_id', id, 'created_at', stamp(now),
    'last_heartbeat', stamp(now), 'worker_name', worker)
  redis.call('EXPIRE', 'rq:execution:' .. composite, keep)
  redis.call('ZADD', 'rq:executions:' .. id, now + keep, execution)
  redis.call('EXPIRE', 'rq:executions:' .. id, keep)
  redis.call('ZADD', started, now + keep, composite)
  redis.call('ZADD', leases, now + lease, composite)
  redis.call('SADD', worker_executions, composite)
  return add(id, 'attempts', 1)
end

local function describe(id, execution, attempt, suspect)
  local key, forbidden = job_key(id), {}
  for _, field in ipairs(FORBIDDEN) do
    if redis.call('HSTRLEN', key, field) > 0 then forbidden[#forbidden + 1] = field end
  end
  local readable = redis.call('HSTRLEN', key, 'data') <= DATA_LIMIT
  return { id, execution, attempt, suspect and 1 or 0, readable and redis.call('HGET', key, 'data') or '', table.concat(forbidden, ', ') }
end

-- Only what has changed: an idle worker asks several times a second, and must not fill the append-only file by it.
local function show(state)
  local shown = redis.call('HGET', worker_key, 'state')
  if shown and shown ~= state then redis.call('HSET', worker_key, 'state', state) end
end

-- First of all a write that a full Redis allows: after it, the rest is allowed too.
redis.call('EXPIRE', worker_executions, keep)
local function host_of(id)
  local key = job_key(id)
  if not has_hash(key) or redis.call('HSTRLEN', key, 'data') > DATA_LIMIT then return '' end
  return string.match(redis.call('HGET', key, 'data') or '', '"https?://([^/"?#]+)') or ''
end

local function is_crowded(host) return (places_of[host] or 0) >= most_of_a_host end

local function any_crowded()
  for host in pairs(places_of) do
    if is_crowded(host) then return true end
  end
  return false
end

-- The first job near the front whose host is not crowded; where there is none, the first of all.
local function take()
  if any_crowded() then
    for _, id in ipairs(redis.call('LRANGE', queue, 0, LOOK_AHEAD - 1)) do
      if not is_crowded(host_of(id)) then
        redis.call('LREM', queue, 1, id)
        return id
      end
    end
  end
  return redis.call('LPOP', queue)
end

local answer = { stamp(now), redis.call('EXISTS', 'rq:suspended'), 0 }
if answer[2] == 1 then
  show(held > 0 and 'busy' or 'suspended')
  return answer
end

queue_due_jobs()
local claimed, dropped = 0, 0
while claimed < #ARGV - FIRST_EXECUTION + 1 and dropped < DROPPED_AT_ONCE do
  local id = take()
  if not id then break end
  if is_runnable(id) then
    -- A job that was running when its worker died runs alone, so that the next death is surely its own doing.
    local suspect = redis.call('HEXISTS', job_key(id), 'deaths') == 1
    if suspect and held + claimed > 0 then
      redis.call('LPUSH', queue, id)
      break
    end
    local execution = ARGV[FIRST_EXECUTION + claimed]
    claimed = claimed + 1
    local host = host_of(id)
    places_of[host] = (places_of[host] or 0) + 1
    answer[#answer + 1] = describe(id, execution, start(id, execution), suspect)
    if suspect then break end
  else
    dropped = dropped + 1
  end
end

if claimed > 0 then redis.call('EXPIRE', worker_executions, keep) end
show(held + claimed > 0 and 'busy' or 'idle')
answer[3] = redis.call('LLEN', queue)
return answer
