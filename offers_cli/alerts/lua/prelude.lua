-- What the scripts of alerts share. ARGV[1] is the time in seconds, empty for Redis's own clock.
-- A delivery is an id in one of three sorted sets (`waiting`, `sending`, `ended`), and fields of one hash: its text under
-- the id, and beside it `:state` (reserved, sending, sent, unknown, refused), `:by`, the worker that sends it, and `:note`.

local KEPT = 200 -- deliveries that have ended

local function read_clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end

local now = read_clock()

local function stamp(seconds) return string.format('%.6f', seconds) end

-- Writes how a delivery ended; of the ended ones only the last are kept.
local function finish(deliveries, sending, ended, id, state, note)
  call('HSET', deliveries, id .. ':state', state, id .. ':note', note)
  call('ZREM', sending, id)
  call('ZADD', ended, stamp(now), id)
  for _, old in ipairs(call('ZRANGE', ended, 0, -1 - KEPT)) do
    call('ZREM', ended, old)
    call('HDEL', deliveries, old, old .. ':state', old .. ':by', old .. ':note')
  end
end
