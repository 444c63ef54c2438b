-- Counts the entries of the queue and of registries.
-- KEYS: those.  ARGV: time, then per key 1 if its entries expire: the expired do not count.
-- Answers per key how many, or nil for a key of another type.

local answer = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then answer[i] = 0
  elseif kind == 'list' then answer[i] = call('LLEN', key)
  elseif kind ~= 'zset' then answer[i] = false
  elseif ARGV[i + 1] == '1' then answer[i] = call('ZCOUNT', key, stamp(now), '+inf')
  else answer[i] = call('ZCARD', key)
  end
end
return answer
