-- How every script speaks to Redis: `call` instead of `redis.call`. A key of another type than its command is for, planted
-- or corrupt, would stop a script in its middle, with a job taken and not yet started. Here it makes way: it is renamed,
-- listed in `offers:quarantine`, and its place is empty.

local QUARANTINE, KEPT_ASIDE = 'offers:quarantine', 1000

local call

-- Of the many that a stranger could plant only the newest are kept.
local function set_aside(key)
  local time = redis.call('TIME')
  local at = string.format('%d.%06d', time[1], time[2])
  local name = QUARANTINE .. ':' .. at .. ':' .. key
  redis.call('RENAME', key, name)
  call('ZADD', QUARANTINE, at, name)
  for _, old in ipairs(call('ZRANGE', QUARANTINE, 0, -1 - KEPT_ASIDE)) do
    if string.sub(old, 1, #QUARANTINE + 1) == QUARANTINE .. ':' then redis.call('DEL', old) end
    call('ZREM', QUARANTINE, old)
  end
end

-- Whether there is such a key, of that type; one of another type makes way.
local function is_there(key, wanted)
  local found = redis.call('TYPE', key).ok
  if found ~= wanted and found ~= 'none' then set_aside(key) end
  return found == wanted
end

local function refusal_of(answer) return type(answer) == 'table' and answer.err end

-- Which type a command is for is known to Redis: it refuses, and nothing has changed. SET alone takes any key.
function call(command, key, ...)
  if command == 'SET' then is_there(key, 'string') end
  local answer = redis.pcall(command, key, ...)
  local refusal = refusal_of(answer)
  if not refusal then return answer end
  if string.find(refusal, '^WRONGTYPE') then set_aside(key) end
  return redis.call(command, key, ...)
end

-- For the commands that add to a number: a counter that holds none makes way too.
local function call_counter(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  local refusal = refusal_of(answer)
  if not refusal then return answer end
  local is_wrong_type, is_no_number = string.find(refusal, '^WRONGTYPE'), string.find(refusal, 'not an? ')
  if is_wrong_type or is_no_number or string.find(refusal, 'overflow') or string.find(refusal, 'NaN') then set_aside(key) end
  return redis.call(command, key, ...)
end
