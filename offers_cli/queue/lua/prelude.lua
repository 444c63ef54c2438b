-- What all scripts share. ARGV[1] is the time in seconds; empty means Redis's own clock.

local ACTIVE = { queued = true, started = true, scheduled = true, deferred = true, ready_to_enqueue = true, rate_limited = true }
local DEFAULT_TIMEOUT_S = 180 -- RQ's
local SHORT_LIST = 1000 -- a list this short may be searched for one id

local function read_clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end

local now = read_clock()

-- Redis writes a Lua number with 17 digits; tostring() would cut the microseconds off.
local function stamp(seconds) return string.format('%.6f', seconds) end

-- RQ's text form of a time. Days to civil date: Howard Hinnant, "chrono-compatible low-level date algorithms".
local function iso(seconds)
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%09.6fZ', year, month, day,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60)
end

local function job_key(id) return 'rq:job:' .. id end

-- A planted key of another type would stop a script in its middle.
local function has_hash(key) return redis.call('TYPE', key).ok == 'hash' end

-- A planted key of a wrong type makes way for ours.
local function clear_unless(kind, key)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end

local function status_of(id) return redis.call('HGET', job_key(id), 'status') or '' end

-- Adds to a counter of a job; whatever is not a small number reads as 0.
local function add(id, counter, amount)
  local found = tonumber(redis.call('HGET', job_key(id), counter) or '0') or 0
  if not (found >= 0 and found <= 1000) then found = 0 end
  local sum = math.max(0, math.floor(found) + amount)
  redis.call('HSET', job_key(id), counter, sum)
  return sum
end

local function in_list(list, id)
  local length = redis.call('LLEN', list)
  if length == 0 then return false end
  return length > SHORT_LIST or redis.call('LPOS', list, id) ~= false
end

-- Whether a job really stands where its status says. One that does not was lost on the way (a foreign worker killed
-- between taking and starting it, a registry deleted) and may be queued again.
local function stands(queue, id, status)
  local name = string.sub(queue, #'rq:queue:' + 1)
  if status == 'queued' then return in_list(queue, id) or in_list(queue .. ':intermediate', id) end
  if status == 'started' then return redis.call('ZCARD', 'rq:executions:' .. id) > 0 end
  if status == 'scheduled' then return redis.call('ZSCORE', 'rq:scheduled:' .. name, id) ~= false end
  if status == 'deferred' then return redis.call('ZSCORE', 'rq:deferred:' .. name, id) ~= false end
  return true
end

local function add_result(id, ttl, entry)
  local key = 'rq:results:' .. id
  clear_unless('stream', key)
  redis.call('XADD', key, 'MAXLEN', '~', 10, '*', unpack(entry))
  if ttl >= 0 then redis.call('EXPIRE', key, ttl) end
end

-- The meta that whoever queued the job gave it, without what we write there of a failure.
local function foreign_meta(id)
  local is_json, meta = pcall(cjson.decode, redis.call('HGET', job_key(id), 'meta') or '')
  if not is_json or type(meta) ~= 'table' then return {} end
  if meta.code and meta.message and meta.attempts then meta.code, meta.message, meta.attempts = nil, nil, nil end
  return meta
end

local function forget_failure(id)
  local meta = redis.call('HGET', job_key(id), 'meta')
  if not meta or not string.find(meta, '"code"', 1, true) then return end
  local rest = foreign_meta(id)
  if next(rest) then redis.call('HSET', job_key(id), 'meta', cjson.encode(rest)) else redis.call('HDEL', job_key(id), 'meta') end
end

local function put_in_queue(queue, id, push)
  redis.call('HSET', job_key(id), 'status', 'queued', 'started_at', '', 'worker_name', '')
  redis.call(push, queue, id)
end

-- Whether all that a job waits for is done; what is no more counts as done, as it does for RQ.
local function may_start(id)
  local allows_failures = (redis.call('HGET', job_key(id), 'allow_dependency_failures') or '') == '1'
  for _, other in ipairs(redis.call('SMEMBERS', 'rq:job::' .. id .. ':dependencies')) do
    if has_hash(job_key(other)) then
      local status = status_of(other)
      if status ~= 'finished' and not (status == 'failed' and allows_failures) then return false end
    end
  end
  return true
end

-- Queues the jobs that waited for this one, as `rq.queue.Queue.enqueue_dependents` does. One with a rate limit waits in
-- RQ's registry of ready jobs, from which RQ's own workers take it.
local function start_dependents(id)
  local dependents = 'rq:job:' .. id .. ':dependents'
  for _, other in ipairs(redis.call('SMEMBERS', dependents)) do
    if has_hash(job_key(other)) and status_of(other) == 'deferred' and may_start(other) then
      local name = redis.call('HGET', job_key(other), 'origin') or ''
      redis.call('SREM', dependents, other)
      redis.call('ZREM', 'rq:deferred:' .. name, other)
      if redis.call('HSTRLEN', job_key(other), 'rate_limit_key') > 0 then
        redis.call('HSET', job_key(other), 'status', 'ready_to_enqueue')
        redis.call('ZADD', 'rq:ready:' .. name, math.floor(now), other)
      else
        local at_front = redis.call('HGET', job_key(other), 'enqueue_at_front') == '1'
        redis.call('HSET', job_key(other), 'enqueued_at', iso(now))
        redis.call('HSETNX', job_key(other), 'timeout', DEFAULT_TIMEOUT_S)
        redis.call('PERSIST', job_key(other))
        redis.call('SADD', 'rq:queues', 'rq:queue:' .. name)
        put_in_queue('rq:queue:' .. name, other, at_front and 'LPUSH' or 'RPUSH')
      end
    end
  end
end

-- Ends one execution, named "<job id>:<execution id>", in every place that knows it.
local function end_execution(started, leases, composite, id, execution, worker)
  redis.call('ZREM', started, composite)
  redis.call('ZREM', leases, composite)
  redis.call('DEL', 'rq:execution:' .. composite)
  redis.call('ZREM', 'rq:executions:' .. id, execution)
  redis.call('SREM', 'rq:worker:' .. worker .. ':executions', composite)
end

-- Ends all executions of a job: it begins anew, or is no more.
local function end_executions(started, leases, id)
  local executions = 'rq:executions:' .. id
  clear_unless('zset', executions)
  for _, execution in ipairs(redis.call('ZRANGE', executions, 0, -1)) do
    local composite = id .. ':' .. execution
    clear_unless('hash', 'rq:execution:' .. composite)
    local worker = redis.call('HGET', 'rq:execution:' .. composite, 'worker_name') or ''
    end_execution(started, leases, composite, id, execution, worker)
  end
end

-- Whether a job runs, and in this execution. RQ cancels and deletes a running job without ending our execution; another
-- one may have begun since.
local function runs_in(id, execution)
  if not has_hash(job_key(id)) or status_of(id) ~= 'started' then return false end
  local executions = 'rq:executions:' .. id
  local own = redis.call('ZSCORE', executions, execution) and 1 or 0
  return redis.call('ZCARD', executions) == own
end

local function split(composite) return string.match(composite, '^([^:]*):(.*)$') end

-- The failure code of a failed job; one that RQ's own workers failed has none, and counts as a bug.
local function code_of(id)
  if not has_hash(job_key(id)) then return 'bug' end
  local meta = redis.call('HGET', job_key(id), 'meta') or ''
  return string.match(meta, '"code": *"([a-z_]+)"') or 'bug'
end

-- Whether a job says that it is another queue's. One that says nothing is taken for ours where it stands among ours.
local function is_foreign(queue, id)
  local origin = has_hash(job_key(id)) and redis.call('HGET', job_key(id), 'origin') or ''
  return origin ~= '' and 'rq:queue:' .. origin ~= queue
end

-- The entries "<job id>:<execution id>" of one job in a registry of executions.
local function entries_of(registry, id)
  local found = {}
  if redis.call('TYPE', registry).ok ~= 'zset' then return found end
  for _, entry in ipairs(redis.call('ZRANGE', registry, 0, -1)) do
    if entry == id or string.sub(entry, 1, #id + 1) == id .. ':' then found[#found + 1] = entry end
  end
  return found
end

-- Takes a job out of the queue and of registries; says whether it stood in one. What was read of the queue is read anew.
local function take_out(queue, read, registries, id)
  local found = false
  if redis.call('TYPE', queue).ok == 'list' and redis.call('LREM', queue, 0, id) > 0 then
    redis.call('DEL', read)
    found = true
  end
  for _, registry in ipairs(registries) do
    if redis.call('TYPE', registry).ok == 'zset' and redis.call('ZREM', registry, id) == 1 then found = true end
  end
  return found
end

-- Deletes all that is known of a job but where it stands.
local function forget_job(started, leases, id)
  end_executions(started, leases, id)
  redis.call('DEL', job_key(id), 'rq:results:' .. id, 'rq:job:' .. id .. ':dependents', 'rq:job::' .. id .. ':dependencies')
end
