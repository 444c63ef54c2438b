-- Does a few commands. ARGV: for each how many words it has, then these. Answers what each answered.

local answer, at = {}, 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  answer[#answer + 1] = call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return answer
