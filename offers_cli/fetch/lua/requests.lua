-- Counts what came of requests.
-- KEYS: the counts of requests. ARGV: time, longest pause, then counts: field and amount.

-- First of all a write that a full Redis allows, of nothing: after it, the rest is allowed too.
call('HDEL', KEYS[1], '')
count_requests(KEYS[1], 3)
