-- What all scripts of the pace share. Every key is a hash of one host by one way out: `turn` is the last turn that was
-- given out, `until` the end of its pause, `reason` why it was paused, `strikes` how many pauses in a row grew (counted
-- until `forgotten_at`). All times are microseconds since 1970.
-- ARGV[1] is the time, empty for Redis's own clock; ARGV[2] the longest pause.

local function read_clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local now, longest = read_clock(), tonumber(ARGV[2])

-- Redis writes a Lua number with 17 digits at the most, and large ones with an exponent.
local function whole(number) return string.format('%.0f', number) end

local function read(key, field) return tonumber(redis.call('HGET', key, field) or 0) end

-- How long a host is still paused, 0 if it is not. No pause is longer than the longest: the clock was set back.
local function pause_left(key)
  local left = read(key, 'until') - now
  return left > 0 and left <= longest and left or 0
end

-- Redis forgets a host that nobody asks any more.
local function keep(key, duration)
  local ms = math.ceil(duration / 1000)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, whole(ms)) end
end
