-- Pauses a host. A pause in force is one event, however many answers brought it: only a wall met after it is another.
-- KEYS: the host by one way out, the paused hosts. ARGV: time, longest pause, asked for (-1: grow), first pause, reason,
--   the host's name among the paused.
-- Answers how long the host is paused now.

local key, all_paused = KEYS[1], KEYS[2]
local asked, first = tonumber(ARGV[3]), tonumber(ARGV[4])
local left = pause_left(key)
if asked < 0 and left > 0 then return left end
if asked < 0 then
  local strikes = read(key, 'forgotten_at') > now and read(key, 'strikes') + 1 or 1
  asked = math.min(longest, first * 2 ^ (strikes - 1))
  redis.call('HSET', key, 'strikes', strikes, 'forgotten_at', whole(now + 2 * asked))
end
asked = math.min(longest, asked)
if asked <= left then return left end

redis.call('HSET', key, 'until', whole(now + asked), 'reason', ARGV[5])
keep(key, 2 * asked)
redis.call('ZADD', all_paused, whole(now + asked), ARGV[6])
redis.call('ZREMRANGEBYSCORE', all_paused, '-inf', whole(now))
return asked
