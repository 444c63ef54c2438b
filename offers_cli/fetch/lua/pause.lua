-- Pauses a host for a given time.
-- KEYS: the host by one egress, the paused hosts. ARGV: time, longest pause, asked for, reason, the host's name.
-- Answers how long the host is paused now.

-- First of all a write that a full Redis allows, of nothing: after it, the rest is allowed too.
call('HDEL', KEYS[1], '')

return pause(KEYS[1], KEYS[2], tonumber(ARGV[3]), ARGV[4], ARGV[5])
