-- Takes a worker off the lists, as RQ does at its death.
-- KEYS: the worker, all workers, the workers of its queue, its executions.  ARGV: time, how long it is shown as dead.

call('SREM', KEYS[2], KEYS[1])
call('SREM', KEYS[3], KEYS[1])
call('HSET', KEYS[1], 'death', iso(now))
call('EXPIRE', KEYS[1], ARGV[2])
call('DEL', KEYS[4])
