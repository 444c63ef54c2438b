-- Counts a refusal of one page, and pauses its host for it, unless it is the page alone that shows a wall.
-- A page that was refused before is alone with it when its host has served others since: serving ends the strikes. While
-- a host refuses whatever it is asked, its strikes stand, and no page is blamed.
-- KEYS: the host by one egress, the page, the paused hosts.
-- ARGV: time, longest pause, asked for (-1: not said), first pause, walls after which a page's count begins anew (0: the
--   refusal is always the host's), how long a page is remembered, reason, the host's name.
-- Answers how long the page is to be left alone, and how many refusals in a row are its own.

-- First of all a write that a full Redis allows, of nothing: after it, the rest is allowed too.
call('HDEL', KEYS[1], '')

local key, page, all_paused = KEYS[1], KEYS[2], KEYS[3]
local asked, first, most, remember = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local reason, name = ARGV[7], ARGV[8]

-- The pause of so many refusals in a row. Where pages were given up because they alone show a wall, the wall of yet another
-- one is most likely its own as well, and pauses its host for less; a second refusal in a row ends that.
local function grown(strikes)
  if strikes > 1 then call('HDEL', key, 'lone') end
  if strikes > 1 or most == 0 then return first * 2 ^ (strikes - 1) end
  return math.max(math.min(first, 1000000), first / (1 + read(key, 'lone')))
end

local known = number(call('GET', page)) -- nil for a page that was served, or never refused
local strikes = read(key, 'forgotten_at') > now and number(call('HGET', key, 'strikes'))
local alone = known and not strikes

local count = alone and known + 1 or known or 1
call('SET', page, count == most and 0 or count, 'PX', whole(remember / 1000))
local rest = alone and math.min(longest, first * 2 ^ (count - 1)) or 0

if alone and most ~= 0 then
  if count == most then call_counter('HINCRBY', key, 'lone', 1) end
  return { math.max(rest, pause(key, all_paused, asked, reason, name)), count }
end

-- A pause in force is one event, however many answers brought it: only a refusal after it is another.
local left = pause_left(key)
if asked >= 0 or left == 0 then
  strikes = (strikes or 0) + (asked < 0 and 1 or 0)
  left = pause(key, all_paused, asked < 0 and grown(strikes) or asked, reason, name)
  call('HSET', key, 'strikes', strikes, 'forgotten_at', whole(now + left + longest))
end
-- Others first: their answers show whether it is the page or the host.
return { math.max(rest, asked < 0 and left + first or left), alone and count or 0 }
