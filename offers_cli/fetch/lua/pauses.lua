-- Reads the pauses of hosts. KEYS: each host by one egress. ARGV: time, longest pause.
-- Answers for each how long it is still paused (0: not at all), and why.

local answer = {}
for _, key in ipairs(KEYS) do
  answer[#answer + 1] = { pause_left(key), call('HGET', key, 'reason') or '' }
end
return answer
