-- Makes a worker the one that queues what is due, or keeps it so; for 0 seconds: another one may.
-- KEYS: the leader.  ARGV: time, worker name, for how many seconds.  Answers 1 if it is the one.

-- A name that would stay for ever was put there by a stranger.
local leader = call('GET', KEYS[1])
if leader and leader ~= ARGV[2] and call('PTTL', KEYS[1]) > 0 then return false end
if tonumber(ARGV[3]) > 0 then call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) else call('DEL', KEYS[1]) end
return true
