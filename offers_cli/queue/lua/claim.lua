-- Takes jobs from the queue and starts them, all in one step: there is no instant at which a taken job is in no registry.
-- First it queues the scheduled jobs that are due, so that no scheduler process is needed.
-- KEYS: queue, scheduled, started, leases, failed, the worker, the worker's executions, hosts, read.
-- ARGV: time, worker name, jobs it already holds, lease in seconds, keep in seconds, the slots that hosts hold (JSON), the
--   prefix of the keys of waiting jobs by host, the most bytes of a job's data, then one new execution id per slot.
-- Answers time, 1 if suspended, jobs left in the queue, then per job:
--   id, execution id, attempt, 1 if it is exclusive, data (empty if too large), the forbidden fields that are set.
--
-- No host keeps the others waiting, wherever their jobs stand: the next slot is for the job at the front of the queue, but
-- where its host holds slots already, for a host that holds fewer. RQ's list does not say which hosts wait behind its
-- front. That is read from it, each job once, into one list of ids per host; until it is read to its end, half of the
-- slots are kept for what may come. RQ's tools do not know these lists: an id in them counts only if it is in the queue as
-- well, and every so often they are thrown away and read anew.

local queue, scheduled, started, leases, failed, worker_key, worker_executions, hosts, read = unpack(KEYS)
local worker, held, lease, keep = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local slots_of, waiting_prefix, data_limit = cjson.decode(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local at, at_iso = stamp(now), iso(now)
local FIRST_EXECUTION = 9
local WANTED = #ARGV - FIRST_EXECUTION + 1
local READ_AT_ONCE, READ_ANEW_S = 2000, 600
local ID_LIMIT, MOVED_AT_ONCE, DROPPED_AT_ONCE = 200, 1000, 1000
local FORBIDDEN = { 'success_callback_name', 'failure_callback_name', 'stopped_callback_name', 'webhooks', 'repeats_left',
  'rate_limit_key', 'retries_left' }

local function queue_due_jobs()
  for _, id in ipairs(call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, MOVED_AT_ONCE)) do
    call('ZREM', scheduled, id)
    if has_hash(job_key(id)) and status_of(id) == 'scheduled' then
      call('HSET', job_key(id), 'enqueued_at', at_iso)
      put_in_queue(queue, id, 'RPUSH')
    end
  end
end

-- Twice in the list, expired, or not a job at all: nothing to run.
local function is_runnable(id, status)
  if status == 'started' or status == 'scheduled' or status == 'deferred' then return not stands(queue, id, status) end
  if status == 'failed' or status == 'stopped' then return not call('ZSCORE', failed, id) end
  return status ~= 'finished' and status ~= 'canceled'
end

-- What is to be known of a job before it is started; nothing where there is nothing to run.
local function look_at(id)
  if #id > ID_LIMIT or not string.find(id, '^[%w_-]+$') or not has_hash(job_key(id)) then return nil end
  local status, deaths, attempts = unpack(call('HMGET', job_key(id), 'status', 'deaths', 'attempts'))
  if not is_runnable(id, status or '') then return nil end
  -- A job that was running when its worker crashed runs alone, so that the next crash is surely its own doing.
  return { exclusive = deaths ~= false, attempts = count_of(attempts) }
end

local function start(id, execution, attempt)
  local key, composite = job_key(id), id .. ':' .. execution
  end_executions(started, leases, id)
  call('HSET', key, 'status', 'started', 'started_at', at_iso, 'last_heartbeat', at_iso, 'worker_name', worker,
    'attempts', attempt)
  call('PERSIST', key)
  call('HSET', 'rq:execution:' .. composite, 'id', execution, 'job_id', id, 'created_at', at, 'last_heartbeat', at,
    'worker_name', worker)
  call('EXPIRE', 'rq:execution:' .. composite, keep)
  call('ZADD', 'rq:executions:' .. id, now + keep, execution)
  call('EXPIRE', 'rq:executions:' .. id, keep)
  call('ZADD', started, now + keep, composite)
  call('ZADD', leases, now + lease, composite)
  call('SADD', worker_executions, composite)
end

local function describe(id, execution, attempt, exclusive)
  local key, forbidden = job_key(id), {}
  for _, field in ipairs(FORBIDDEN) do
    if call('HSTRLEN', key, field) > 0 then forbidden[#forbidden + 1] = field end
  end
  local readable = call('HSTRLEN', key, 'data') <= data_limit
  return { id, execution, attempt, exclusive and 1 or 0, readable and call('HGET', key, 'data') or '', table.concat(forbidden, ', ') }
end

-- Only what has changed: an idle worker asks several times a second, and must not fill the append-only file by it.
local function show(state)
  local shown = call('HGET', worker_key, 'state')
  if shown and shown ~= state then call('HSET', worker_key, 'state', state) end
end

local function find_host_in(text) return type(text) == 'string' and string.match(text, 'https?://([^/"\'?#%s]+)') end

-- The description names the URL; the data, which RQ compresses, may not. Empty where neither does.
local function host_of(id)
  local key = job_key(id)
  local host = find_host_in(call('HGET', key, 'description'))
  if not host and call('HSTRLEN', key, 'data') <= data_limit then
    host = find_host_in(call('HGET', key, 'data'))
  end
  return host or ''
end

local function held_by(host) return slots_of[host] or 0 end

local function give_slot(host)
  slots_of[host] = held_by(host) + 1
  call('ZADD', hosts, 'XX', at, host)
end

local function forget_waiting()
  for _, host in ipairs(call('ZRANGE', hosts, 0, -1)) do call('DEL', waiting_prefix .. host) end
  call('DEL', hosts)
end

-- How many jobs at the front of the queue were read already, and how many Redis knows of; nothing where none does.
local front, known

-- Reads the part of the queue that follows what was read already; says whether that was the rest.
local function read_on()
  if not front or front < 0 then
    forget_waiting()
    call('SET', read, 0, 'EX', READ_ANEW_S)
    front, known = 0, 0
  end
  local ids = call('LRANGE', queue, front, front + READ_AT_ONCE - 1)
  local ids_of = {}
  for _, id in ipairs(ids) do
    local host = host_of(id)
    ids_of[host] = ids_of[host] or {}
    table.insert(ids_of[host], id)
  end
  for host, waiting in pairs(ids_of) do
    call('RPUSH', waiting_prefix .. host, unpack(waiting))
    call('ZADD', hosts, 'NX', 0, host)
  end
  front = front + #ids
  return #ids < READ_AT_ONCE
end

-- Among hosts that hold fewer slots than so many, the one that holds fewest and was served longest ago. Of as many hosts
-- as there are slots, at least one holds none: the slot that is to be given is still free.
local function find_host(limit)
  local found
  for _, host in ipairs(call('ZRANGE', hosts, 0, held + WANTED - 1)) do
    if held_by(host) < limit then found, limit = host, held_by(host) end
  end
  return found
end

local skipped = 0

-- The first waiting job of a host that is still in the queue.
local function take_of(host)
  while skipped < DROPPED_AT_ONCE do
    local id = call('LPOP', waiting_prefix .. host)
    if not id then
      call('ZREM', hosts, host)
      return nil
    end
    if has_hash(job_key(id)) and status_of(id) == 'queued' and call('LREM', queue, 1, id) == 1 then return id end
    skipped = skipped + 1
  end
end

local is_read = nil -- in this call: true to the end, false in part, nil not yet

-- A job of a host that holds fewer slots than so many; none if no such host is known to wait.
local function take_of_another(limit)
  while skipped < DROPPED_AT_ONCE do
    if is_read == nil then is_read = read_on() end
    local host = find_host(limit)
    if not host then return nil end
    local id = take_of(host)
    if id then return id, host end
  end
end

local function take_first(id, host)
  call('LPOP', queue)
  if call('LINDEX', waiting_prefix .. host, 0) == id then call('LPOP', waiting_prefix .. host) end
  return id, host
end

-- The next job and its host.
local function take(keeps_room)
  local first = call('LINDEX', queue, 0)
  if not first then return nil end
  local host, id, another = host_of(first), nil, nil
  if held_by(host) > 0 then
    id, another = take_of_another(held_by(host))
    if not id and keeps_room and is_read == false then return nil end
  end
  if front and front > 0 then front = front - 1 end
  if id then return id, another end
  return take_first(first, host)
end

-- First of all a write that a full Redis allows: after it, the rest is allowed too.
call('EXPIRE', worker_executions, keep)
local answer = { stamp(now), call('EXISTS', 'rq:suspended'), 0 }
if answer[2] == 1 then
  show(held > 0 and 'busy' or 'suspended')
  return answer
end

queue_due_jobs()
front = whole(call('GET', read))
known = front
local claimed, dropped = 0, 0
while claimed < WANTED and dropped < DROPPED_AT_ONCE do
  local id, host = take(2 * (held + claimed) >= held + WANTED)
  if not id then break end
  local job = look_at(id)
  if job then
    if job.exclusive and held + claimed > 0 then
      call('LPUSH', queue, id)
      break
    end
    local execution, attempt = ARGV[FIRST_EXECUTION + claimed], job.attempts + 1
    claimed = claimed + 1
    give_slot(host)
    start(id, execution, attempt)
    answer[#answer + 1] = describe(id, execution, attempt, job.exclusive)
    if job.exclusive then break end
  else
    dropped = dropped + 1
  end
end

if front ~= known then call_counter('INCRBY', read, front - known) end
if claimed > 0 then call('EXPIRE', worker_executions, keep) end
show(held + claimed > 0 and 'busy' or 'idle')
answer[3] = call('LLEN', queue)
if answer[3] == 0 and call('EXISTS', read) == 1 then
  forget_waiting()
  call('DEL', read)
end
return answer
