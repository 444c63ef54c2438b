-- Notes what is told, and reserves its deliveries, in one step: nothing is told twice, and nothing noted is untold.
-- KEYS: a hash that is looked at, the hash that is written, deliveries, waiting.
-- ARGV: time, a field of the first hash (empty: none is looked at) and what it must hold; a field of the second, what was
--   seen in it (empty: nothing), and what it becomes (empty: nothing); then the id and the text of each delivery.
-- Answers 1, or nil if one of the two has changed since it was seen.

local guarding, written, deliveries, waiting = unpack(KEYS)
local guard, held, field, seen, told = unpack(ARGV, 2, 6)
if guard ~= '' and (call('HGET', guarding, guard) or '') ~= held then return false end
if (call('HGET', written, field) or '') ~= seen then return false end

for i = 7, #ARGV, 2 do
  call('HSET', deliveries, ARGV[i], ARGV[i + 1], ARGV[i] .. ':state', 'reserved')
  call('ZADD', waiting, stamp(now), ARGV[i])
end
if told == '' then call('HDEL', written, field) else call('HSET', written, field, told) end
return true
