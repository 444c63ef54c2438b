-- What all scripts share. ARGV[1] is the time in seconds; empty means Redis's own clock.

local ACTIVE = { queued = true, started = true, scheduled = true, deferred = true, ready_to_enqueue = true, rate_limited = true }
local DEFAULT_TIMEOUT_S = 180 -- RQ's
local SHORT_LIST = 1000 -- a list this short may be searched for one id
local META_LIMIT = 65536 -- bytes

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

local function has_hash(key) return is_there(key, 'hash') end

-- A whole number that a stranger may have written; nothing where it is none, or beyond counting.
local function whole(text) return text and #text <= 12 and string.find(text, '^-?%d+$') and tonumber(text) or nil end

local function status_of(id) return call('HGET', job_key(id), 'status') or '' end

-- A counter of a job; whatever is not a small number reads as 0.
local function count_of(text)
  local found = whole(text) or 0
  return found >= 0 and found <= 1000 and found or 0
end

local function add(id, counter, amount)
  local sum = math.max(0, count_of(call('HGET', job_key(id), counter)) + amount)
  call('HSET', job_key(id), counter, sum)
  return sum
end

local function in_list(list, id) return call('LLEN', list) > SHORT_LIST or call('LPOS', list, id) ~= false end

-- Whether one of a job's executions stands where it is renewed: with our lease, or in the registry of RQ's own workers.
local function runs(name, id)
  for _, execution in ipairs(call('ZRANGE', 'rq:executions:' .. id, 0, -1)) do
    local composite = id .. ':' .. execution
    if call('ZSCORE', 'offers:leases:' .. name, composite) or call('ZSCORE', 'rq:wip:' .. name, composite) then return true end
  end
  return false
end

-- Whether a job really stands where its status says. One that does not was lost on the way (a foreign worker killed
-- between taking and starting it, a registry deleted) and may be queued again.
local function stands(queue, id, status)
  local name = string.sub(queue, #'rq:queue:' + 1)
  if status == 'queued' then return in_list(queue, id) or in_list(queue .. ':intermediate', id) end
  if status == 'started' then return runs(name, id) end
  if status == 'scheduled' then return call('ZSCORE', 'rq:scheduled:' .. name, id) ~= false end
  if status == 'deferred' then return call('ZSCORE', 'rq:deferred:' .. name, id) ~= false end
  return true
end

-- A new stream sets 4 kB aside for entries to come, and few jobs get a second one: its copy takes what it holds.
-- Where the user may not copy, or the server has no room, the result stays as it is.
local function give_back_memory(key)
  local copy = key .. ':copy'
  if redis.pcall('COPY', key, copy, 'REPLACE') == 1 then call('RENAME', copy, key) end
end

local function add_result(id, ttl, entry)
  local key = 'rq:results:' .. id
  local is_first = call('EXISTS', key) == 0
  call('XADD', key, 'MAXLEN', '~', 10, '*', unpack(entry))
  if is_first then give_back_memory(key) end
  if ttl >= 0 then call('EXPIRE', key, ttl) end
end

-- The meta that whoever queued the job gave it, without what we write there of a failure.
local function foreign_meta(id)
  local text = call('HGET', job_key(id), 'meta') or ''
  local is_json, meta = pcall(cjson.decode, #text <= META_LIMIT and text or '')
  if not is_json or type(meta) ~= 'table' or not pcall(cjson.encode, meta) then return {} end
  if meta.code and meta.message and meta.attempts then meta.code, meta.message, meta.attempts = nil, nil, nil end
  return meta
end

local function forget_failure(id)
  local meta = call('HGET', job_key(id), 'meta')
  if not meta or not string.find(meta, '"code"') then return end
  local rest = foreign_meta(id)
  if next(rest) then call('HSET', job_key(id), 'meta', cjson.encode(rest)) else call('HDEL', job_key(id), 'meta') end
end

local function put_in_queue(queue, id, push)
  call('HSET', job_key(id), 'status', 'queued', 'started_at', '', 'worker_name', '')
  call(push, queue, id)
end

-- Whether all that a job waits for is done; what is no more counts as done, as it does for RQ.
local function may_start(id)
  local allows_failures = (call('HGET', job_key(id), 'allow_dependency_failures') or '') == '1'
  for _, other in ipairs(call('SMEMBERS', 'rq:job::' .. id .. ':dependencies')) do
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
  for _, other in ipairs(call('SMEMBERS', dependents)) do
    if has_hash(job_key(other)) and status_of(other) == 'deferred' and may_start(other) then
      local name = call('HGET', job_key(other), 'origin') or ''
      call('SREM', dependents, other)
      call('ZREM', 'rq:deferred:' .. name, other)
      if call('HSTRLEN', job_key(other), 'rate_limit_key') > 0 then
        call('HSET', job_key(other), 'status', 'ready_to_enqueue')
        call('ZADD', 'rq:ready:' .. name, math.floor(now), other)
      else
        local at_front = call('HGET', job_key(other), 'enqueue_at_front') == '1'
        call('HSET', job_key(other), 'enqueued_at', iso(now))
        call('HSETNX', job_key(other), 'timeout', DEFAULT_TIMEOUT_S)
        call('PERSIST', job_key(other))
        call('SADD', 'rq:queues', 'rq:queue:' .. name)
        put_in_queue('rq:queue:' .. name, other, at_front and 'LPUSH' or 'RPUSH')
      end
    end
  end
end

-- Ends one execution, named "<job id>:<execution id>", in every place that knows it; says whether it had a lease.
local function end_execution(started, leases, composite, id, execution, worker)
  call('ZREM', started, composite)
  local was_leased = call('ZREM', leases, composite) == 1
  call('DEL', 'rq:execution:' .. composite)
  call('ZREM', 'rq:executions:' .. id, execution)
  call('SREM', 'rq:worker:' .. worker .. ':executions', composite)
  return was_leased
end

-- Ends all executions of a job: it begins anew, or is no more.
local function end_executions(started, leases, id)
  for _, execution in ipairs(call('ZRANGE', 'rq:executions:' .. id, 0, -1)) do
    local composite = id .. ':' .. execution
    local worker = call('HGET', 'rq:execution:' .. composite, 'worker_name') or ''
    end_execution(started, leases, composite, id, execution, worker)
  end
end

-- Whether a job runs, and in this execution. RQ cancels and deletes a running job without ending our execution; another
-- one may have begun since.
local function runs_in(id, execution)
  if not has_hash(job_key(id)) or status_of(id) ~= 'started' then return false end
  local executions = 'rq:executions:' .. id
  local own = call('ZSCORE', executions, execution) and 1 or 0
  return call('ZCARD', executions) == own
end

local function split(composite) return string.match(composite, '^([^:]*):(.*)$') end

-- The failure code of a failed job, as its hash tells it; one that RQ's own workers failed has none, and counts as a bug.
local function code_of(id)
  local meta = call('HGET', job_key(id), 'meta') or ''
  return string.match(meta, '"code": *"([a-z_]+)"') or 'bug'
end

-- The score of a job in a registry of ended ones: the second at which it expires, and behind it, in 64ths, the number of
-- its failure code. So whoever counts failed jobs by code reads their registry alone, and whatever another program takes
-- from it or adds to it, the counts are right. Scores outlive versions: a number never changes, a new code is the last.
local CODES = { 'bug', 'page_blocked', 'page_changed', 'shop_unknown', 'offer_gone', 'rate_limited', 'site_unavailable',
  'not_html', 'too_large', 'forbidden_url', 'robots_forbidden', 'redirect', 'storage_unavailable', 'storage_refused',
  'session_expired', 'label_refused', 'link_refused', 'queue_unavailable', 'queue_refused' }
local NUMBERS = {}
for number, code in ipairs(CODES) do NUMBERS[code] = number end

local function ended_score(expires, code) return math.floor(expires) + (NUMBERS[code] or 0) / 64 end

-- The code of a failed job by its score. RQ's own workers write whole seconds: then the job's hash is asked.
local function failed_code(id, score) return CODES[score % 1 * 64] or code_of(id) end

-- Whether a key is of that type, without setting it aside: it may be another program's.
local function is_of_type(key, kind) return redis.call('TYPE', key).ok == kind end

-- The queue that a job says is its own; empty where it says nothing.
local function origin_of(id) return is_of_type(job_key(id), 'hash') and call('HGET', job_key(id), 'origin') or '' end

-- A job that says nothing is taken for ours where it stands among ours, and only there.
local function is_ours(queue, id) return 'rq:queue:' .. origin_of(id) == queue end
local function is_foreign(queue, id) return origin_of(id) ~= '' and not is_ours(queue, id) end

-- The entries "<job id>:<execution id>" of one job in a registry of executions.
local function entries_of(registry, id)
  local found = {}
  if not is_of_type(registry, 'zset') then return found end
  for _, entry in ipairs(call('ZRANGE', registry, 0, -1)) do
    if entry == id or string.sub(entry, 1, #id + 1) == id .. ':' then found[#found + 1] = entry end
  end
  return found
end

-- Takes a job out of the queue and of registries; says whether it stood in one. What was read of the queue is read anew.
local function take_out(queue, read, registries, id)
  local found = false
  if is_of_type(queue, 'list') and call('LREM', queue, 0, id) > 0 then
    call('DEL', read)
    found = true
  end
  for _, registry in ipairs(registries) do
    if is_of_type(registry, 'zset') and call('ZREM', registry, id) == 1 then found = true end
  end
  return found
end

-- Deletes all that is known of a job but where it stands.
local function forget_job(started, leases, id)
  end_executions(started, leases, id)
  call('DEL', job_key(id), 'rq:results:' .. id, 'rq:job:' .. id .. ':dependents', 'rq:job::' .. id .. ':dependencies')
end

-- Queues jobs, each { id, data, description }, as RQ writes new ones, whatever became of those of these ids before.
-- RQ reads where a job stands before it cancels or deletes it: one put off in between is left in the registry `scheduled`.
local function queue_anew(queue, started, leases, registries, at, jobs, timeout)
  if #jobs == 0 then return end
  local ids, executions, left = {}, {}, {}
  for n, job in ipairs(jobs) do
    local id = job[1]
    ids[n], executions[n] = id, 'rq:executions:' .. id
    left[2 * n - 1], left[2 * n] = job_key(id), 'rq:results:' .. id
  end
  for _, registry in ipairs(registries) do call('ZREM', registry, unpack(ids)) end
  if call('EXISTS', unpack(executions)) > 0 then
    for _, id in ipairs(ids) do end_executions(started, leases, id) end
  end
  call('DEL', unpack(left))
  local origin = string.sub(queue, #'rq:queue:' + 1)
  for _, job in ipairs(jobs) do
    local id, data, description = unpack(job)
    call('HSET', job_key(id), 'created_at', at, 'data', data, 'origin', origin, 'description', description, 'enqueued_at', at, 'timeout', timeout, 'status', 'queued')
  end
  call('RPUSH', queue, unpack(ids))
end
