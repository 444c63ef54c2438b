-- Shows that a worker lives.
-- KEYS: the worker, all workers, the workers of its queue.  ARGV: time, how long in seconds, then its fields and values.

-- First of all a write that a full Redis allows: after it, the rest is allowed too.
call('EXPIRE', KEYS[1], ARGV[2])
call('HSET', KEYS[1], unpack(ARGV, 3))
call('EXPIRE', KEYS[1], ARGV[2])
call('SADD', KEYS[2], KEYS[1])
call('SADD', KEYS[3], KEYS[1])
