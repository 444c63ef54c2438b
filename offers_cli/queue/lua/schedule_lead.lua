-- Makes a worker the one that queues what is due, or keeps it so; for 0 seconds: another one may.
-- KEYS: the leader.  ARGV: time, worker name, for how many seconds.  Answers 1 if it is the one.

local worker, seconds = ARGV[2], tonumber(ARGV[3])
local leader, left_ms = call('GET', KEYS[1]), call('PTTL', KEYS[1])

-- A name that would stay for ever was put there by a stranger; one whose worker was found dead leads no more.
local function leads(other) return left_ms ~= -1 and call('HEXISTS', 'rq:worker:' .. other, 'death') == 0 end

if leader and leader ~= worker and leads(leader) then return false end
if seconds == 0 then
  call('DEL', KEYS[1])
elseif leader ~= worker or left_ms < seconds * 750 then -- not each second: it would fill the append-only file
  call('SET', KEYS[1], worker, 'EX', seconds)
end
return true
