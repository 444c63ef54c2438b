-- Pauses a host for a given time.
-- KEYS: the host by one way out, the paused hosts. ARGV: time, longest pause, asked for, reason, the host's name.
-- Answers how long the host is paused now.

return pause(KEYS[1], KEYS[2], tonumber(ARGV[3]), ARGV[4], ARGV[5])
