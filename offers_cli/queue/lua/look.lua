-- Reads jobs to show them, whatever stands there: a value is cut to so many bytes, a key of another type is named.
-- KEYS: none.  ARGV: time, the most bytes of a value, the names of the fields (JSON), then the job ids.
-- Answers per job: the type of its key, the fields (nil where there is none), the text of its newest result (nil too).

local limit, fields = tonumber(ARGV[2]), cjson.decode(ARGV[3])

local function cut(value) return value and string.sub(value, 1, limit) end

local function newest_result(id)
  local key = 'rq:results:' .. id
  if not is_of_type(key, 'stream') then return false end
  local newest = call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  for i = 1, newest and #newest[2] or 0, 2 do
    if newest[2][i] == 'exc_string' then return cut(newest[2][i + 1]) end
  end
  return false
end

local answer = {}
for i = 4, #ARGV do
  local key = job_key(ARGV[i])
  local job = { redis.call('TYPE', key).ok }
  for _, field in ipairs(fields) do
    job[#job + 1] = job[1] == 'hash' and cut(call('HGET', key, field))
  end
  job[#job + 1] = newest_result(ARGV[i])
  answer[#answer + 1] = job
end
return answer
