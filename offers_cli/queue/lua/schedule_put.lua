-- Writes fields of a schedule if one of them still is what its reader saw.
-- KEYS: the schedule.  ARGV: time, that field, what was seen (empty: nothing), then fields and values.
-- Answers 1, or nil if it has changed.

if (call('HGET', KEYS[1], ARGV[2]) or '') ~= ARGV[3] then return false end
call('HSET', KEYS[1], unpack(ARGV, 4))
return true
