-- Does a few commands. ARGV: for each how many words it has, then these. Answers what each answered.

local answer, at = {}, 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  local run = string.find(ARGV[at + 1], 'INCR') and call_counter or call
  answer[#answer + 1] = run(unpack(ARGV, at + 1, last))
  at = last + 1
end
return answer
