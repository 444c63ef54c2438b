-- Puts back what dead workers held: expired leases, executions that RQ's own workers let expire, and ids they left
-- between taking and starting. Never fails a job for it, unless it was alone with its worker when that died, too often.
-- KEYS: queue, started, leases, failed, intermediate, orphans.
-- ARGV: time, crashes allowed, how many at once, seconds that an id may stay in the intermediate list, failure ttl,
--       message and exc_string of a job that killed its worker too often.
-- Answers how many were put back, and how many failed.

local queue, started, leases, failed, intermediate, orphans = unpack(KEYS)
local crashes_allowed, at_once, grace = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local failure_ttl, message, exc_string = tonumber(ARGV[5]), ARGV[6], ARGV[7]
local FAILED = 2

local function fail(id, worker, crashes)
  local attempts = add(id, 'attempts', crashes - 1)
  call('HSET', job_key(id), 'status', 'failed', 'ended_at', iso(now),
    'meta', cjson.encode({ code = 'bug', message = message, attempts = attempts }))
  call('HDEL', job_key(id), 'attempts', 'deaths')
  call('ZADD', failed, ended_score(now + failure_ttl, 'bug'), id)
  call('EXPIRE', job_key(id), failure_ttl)
  add_result(id, failure_ttl, { 'type', FAILED, 'worker_name', worker, 'exc_string', exc_string })
  start_dependents(id)
end

local function put_back(id)
  add(id, 'attempts', -1)
  put_in_queue(queue, id, 'LPUSH')
end

-- How many jobs each dead worker held, counted before they are taken from it.
local held = {}
local function was_only_job(worker)
  if not held[worker] then held[worker] = call('SCARD', 'rq:worker:' .. worker .. ':executions') end
  return held[worker] <= 1
end

local function recover(composite)
  local id, execution = split(composite)
  if not id then
    call('ZREM', started, composite)
    call('ZREM', leases, composite)
    return nil
  end
  local worker = call('HGET', 'rq:execution:' .. composite, 'worker_name') or ''
  local only_job, was_running = was_only_job(worker), runs_in(id, execution)
  end_execution(started, leases, composite, id, execution, worker)
  if not was_running then return nil end
  -- The field `deaths` counts the crashes of workers that ran this job and no other.
  local crashes = add(id, 'deaths', only_job and 1 or 0)
  if crashes >= crashes_allowed then
    fail(id, worker, crashes)
    return 'failed'
  end
  put_back(id)
  return 'back'
end

local function recover_orphan(id)
  local first_seen = call('ZSCORE', orphans, id)
  if not first_seen or tonumber(first_seen) > now then
    call('ZADD', orphans, now, id)
  elseif now - tonumber(first_seen) >= grace then
    call('LREM', intermediate, 0, id)
    call('ZREM', orphans, id)
    if has_hash(job_key(id)) and status_of(id) == 'queued' then
      put_in_queue(queue, id, 'LPUSH')
      return 'back'
    end
  end
end

local count = { back = 0, failed = 0 }
local function count_one(what)
  if what then count[what] = count[what] + 1 end
end

for _, registry in ipairs({ leases, started }) do
  for _, composite in ipairs(call('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', 0, at_once)) do count_one(recover(composite)) end
end
local waiting = call('LRANGE', intermediate, 0, SHORT_LIST)
for _, id in ipairs(waiting) do count_one(recover_orphan(id)) end
if #waiting == 0 then call('DEL', orphans) end
return { count.back, count.failed }
