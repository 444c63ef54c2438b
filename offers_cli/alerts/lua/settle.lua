-- Writes what became of a delivery; whoever sent it knows better than one that took it for dead.
-- KEYS: deliveries, sending, ended.  ARGV: time, id, the worker that sent it, the state, a note.
-- Answers 1, or nil if that worker did not send it.

-- First of all a write that a full Redis allows, of nothing: after it, the rest is allowed too.
call('HDEL', KEYS[1], '')

local deliveries, sending, ended = unpack(KEYS)
local id, worker, state, note = unpack(ARGV, 2, 5)
if call('HGET', deliveries, id .. ':by') ~= worker then return false end
finish(deliveries, sending, ended, id, state, note)
return true
