-- What all scripts of the pace share. Every key is a hash of one host by one egress: `turn` is the last turn that was
-- given out, `until` the end of its pause, `reason` why it was paused. `strikes` stands there from a refusal to the next
-- page that is served, or to `forgotten_at`: how many pauses in a row have grown. `lone` is how many of its pages were
-- given up, alone with a wall, since it last refused twice in a row. All times are microseconds since 1970.
-- ARGV[1] is the time in seconds, empty for Redis's own clock; ARGV[2] the longest pause.

local function read_clock()
  if ARGV[1] ~= '' then return math.floor(1000000 * tonumber(ARGV[1]) + 0.5) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local now, longest = read_clock(), tonumber(ARGV[2])

-- Redis writes a Lua number with 17 digits at the most, and large ones with an exponent.
local function whole(number) return string.format('%.0f', number) end

-- A count or a time that a stranger may have written; nothing where it is none, or beyond all times.
local function number(text)
  local found = tonumber(text or '')
  return found and found >= 0 and found < 1e16 and found or nil
end

local function read(key, field) return number(call('HGET', key, field)) or 0 end

-- Adds to the counts of requests, a hash of "<host> <status>": field and amount in turn, from that argument on. Of more hosts
-- than are counted apart the rest are "other".
local MOST_FIELDS = 500

local function count_requests(key, first)
  for i = first, #ARGV, 2 do
    local field = ARGV[i]
    if call('HEXISTS', key, field) == 0 then
      if read(key, 'fields') < MOST_FIELDS then
        call_counter('HINCRBY', key, 'fields', 1)
      else
        field = 'other ' .. string.match(field, '[^ ]*$')
      end
    end
    call_counter('HINCRBY', key, field, ARGV[i + 1])
  end
end

-- How long a host is still paused, 0 if it is not. No pause is longer than the longest: the clock was set back.
local function pause_left(key)
  local left = read(key, 'until') - now
  return left <= longest and math.max(0, left) or 0
end

-- Redis forgets a host that nobody asks any more, an hour after all that is known of it is over.
local function keep(key, duration)
  local ms = math.ceil((duration + longest) / 1000)
  if call('PTTL', key) < ms then call('PEXPIRE', key, whole(ms)) end
end

-- The pause now in force: this one, or a longer one that was.
local function pause(key, all_paused, asked, reason, name)
  local left = pause_left(key)
  asked = math.min(longest, asked)
  if asked <= left then return left end
  call('HSET', key, 'until', whole(now + asked), 'reason', reason)
  keep(key, asked)
  call('ZADD', all_paused, whole(now + asked), name)
  call('ZREMRANGEBYSCORE', all_paused, '-inf', whole(now))
  return asked
end
