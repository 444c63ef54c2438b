-- Whether a job stands in the queue or in one of its registries.
-- KEYS: those.  ARGV: time, the job id.  Answers 1 or nil.

local id = ARGV[2]
for _, key in ipairs(KEYS) do
  if is_of_type(key, 'list') and call('LPOS', key, id) then return true end
  if is_of_type(key, 'zset') and (call('ZSCORE', key, id) or #entries_of(key, id) > 0) then return true end
end
return false
