-- Takes the delivery that waits longest, to be sent by one worker; one whose worker died while it sent it may have arrived,
-- and is not sent again.
-- KEYS: deliveries, waiting, sending, ended.  ARGV: time, the worker, for how many seconds, what to note of a dead one's.
-- Answers its id and its text, or nil if none waits.

-- First of all a write that a full Redis allows, of nothing: after it, the rest is allowed too.
call('HDEL', KEYS[1], '')

local deliveries, waiting, sending, ended = unpack(KEYS)
local worker, seconds, died = ARGV[2], tonumber(ARGV[3]), ARGV[4]

for _, id in ipairs(call('ZRANGEBYSCORE', sending, '-inf', stamp(now))) do
  finish(deliveries, sending, ended, id, 'unknown', died)
end
for _, id in ipairs(call('ZRANGE', waiting, 0, 99)) do
  call('ZREM', waiting, id)
  local text = call('HGET', deliveries, id)
  if text and call('HGET', deliveries, id .. ':state') == 'reserved' then
    call('HSET', deliveries, id .. ':state', 'sending', id .. ':by', worker)
    call('ZADD', sending, stamp(now + seconds), id)
    return { id, text }
  end
end
return false
