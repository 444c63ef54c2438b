-- Finds the failed jobs with certain codes in one stretch of the registry; what has expired is none.
-- KEYS: failed.  ARGV: time, first and last rank, from the newest on, the codes (",a,b,"; empty for any).
-- Answers how many jobs the stretch holds, then the ids of those found, newest first.

local codes = ARGV[4]
local function is_wanted(id, score)
  return score >= now and (codes == '' or string.find(codes, ',' .. failed_code(id, score) .. ',', 1, true))
end

local found = call('ZRANGE', KEYS[1], ARGV[2], ARGV[3], 'REV', 'WITHSCORES')
local answer = { #found / 2 }
for i = 1, #found, 2 do
  if is_wanted(found[i], tonumber(found[i + 1])) then answer[#answer + 1] = found[i] end
end
return answer
