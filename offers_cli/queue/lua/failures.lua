-- Counts the failed jobs of one stretch of the registry by their codes.
-- KEYS: failed.  ARGV: time, first rank, last rank.  Answers code, count, code, count, …

local counts, answer = {}, {}
for _, id in ipairs(call('ZRANGE', KEYS[1], ARGV[2], ARGV[3])) do
  local code = code_of(id)
  counts[code] = (counts[code] or 0) + 1
end
for code, count in pairs(counts) do
  answer[#answer + 1] = code
  answer[#answer + 1] = count
end
return answer
