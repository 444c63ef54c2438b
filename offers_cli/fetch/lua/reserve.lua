-- Takes the nearest turn among the egresses to one host, and counts what came of the requests before.
-- KEYS: the host by each egress, the counts of requests. ARGV: time, longest pause, delay, then counts: field and amount.
-- Answers {'turn', index, wait}, or {'paused', index, left, reason} when all egresses are paused: that which opens first.

-- First of all a write that a full Redis allows, of nothing: after it, the rest is allowed too.
call('HDEL', KEYS[1], '')

count_requests(KEYS[#KEYS], 4)

local delay = tonumber(ARGV[3])
local best, turn, paused, shortest
for index = 1, #KEYS - 1 do
  local key = KEYS[index]
  local left = pause_left(key)
  if left > 0 then
    if not paused or left < shortest then paused, shortest = index, left end
  else
    local last = read(key, 'turn')
    if last - now > 1000 * delay then last = 0 end -- no queue is that long: the clock was set back
    if not best or last + delay < turn then best, turn = index, last + delay end
  end
end
if not best then return { 'paused', paused - 1, shortest, call('HGET', KEYS[paused], 'reason') } end

local wait = math.max(0, turn - now)
call('HSET', KEYS[best], 'turn', whole(now + wait))
keep(KEYS[best], wait + delay)
return { 'turn', best - 1, wait }
