-- Counts the failed jobs of one stretch of the registry by their codes.
-- KEYS: failed.  ARGV: time, first rank, last rank.  Answers code, count, the newest job's id, code, …
-- What has expired does not count.

local counts, newest, answer = {}, {}, {}
local found = call('ZRANGE', KEYS[1], ARGV[2], ARGV[3], 'WITHSCORES')
for i = 1, #found, 2 do
  local id, score = found[i], tonumber(found[i + 1])
  if score >= now then
    local code = failed_code(id, score)
    counts[code] = (counts[code] or 0) + 1
    newest[code] = id
  end
end
for code, count in pairs(counts) do
  answer[#answer + 1] = code
  answer[#answer + 1] = count
  answer[#answer + 1] = newest[code]
end
return answer
