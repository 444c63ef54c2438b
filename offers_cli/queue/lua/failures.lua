-- Counts the failed jobs of one stretch of the registry by their codes.
-- KEYS: failed.  ARGV: time, first rank, last rank.  Answers code, count, the newest job's id, code, …

local counts, newest, answer = {}, {}, {}
for _, id in ipairs(call('ZRANGE', KEYS[1], ARGV[2], ARGV[3])) do
  local code = code_of(id)
  counts[code] = (counts[code] or 0) + 1
  newest[code] = id
end
for code, count in pairs(counts) do
  answer[#answer + 1] = code
  answer[#answer + 1] = count
  answer[#answer + 1] = newest[code]
end
return answer
