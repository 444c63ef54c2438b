-- Finds the failed jobs with certain codes in one stretch of the registry.
-- KEYS: failed.  ARGV: time, first and last rank, from the newest on, the codes (",a,b,").
-- Answers how many jobs the stretch holds, then the ids of those found, newest first.

local ids = call('ZRANGE', KEYS[1], ARGV[2], ARGV[3], 'REV')
local answer = { #ids }
for _, id in ipairs(ids) do
  if string.find(ARGV[4], ',' .. code_of(id) .. ',', 1, true) then answer[#answer + 1] = id end
end
return answer
