-- Counts the scheduled jobs of one stretch of the registry by the code of what put them off.
-- A job that was scheduled and never tried has none: it waits for its time, not for anybody.
-- KEYS: scheduled.  ARGV: time, first rank, last rank.  Answers code, count, the meta of the first of them, …

local counts, metas, codes, answer = {}, {}, {}, {}
for _, id in ipairs(call('ZRANGE', KEYS[1], ARGV[2], ARGV[3])) do
  local meta = has_hash(job_key(id)) and call('HGET', job_key(id), 'meta') or ''
  local code = string.match(meta, '"code": *"([a-z_]+)"')
  if code and not counts[code] then
    codes[#codes + 1] = code
    counts[code], metas[code] = 0, meta
  end
  if code then counts[code] = counts[code] + 1 end
end
for _, code in ipairs(codes) do
  answer[#answer + 1] = code
  answer[#answer + 1] = counts[code]
  answer[#answer + 1] = metas[code]
end
return answer
