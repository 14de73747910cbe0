-- Tell verdicts. KEYS: the log, scores by caller, verdicts by caller. ARGV: who tells, how many callers are kept, how many log entries,
-- how long in ms, then of each caller: key id, score, verdict.
for at = 5, #ARGV, 3 do
  redis.call('ZADD', KEYS[2], ARGV[at + 1], ARGV[at])
  redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 2])
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'by', ARGV[1], 'key', ARGV[at], 'verdict', ARGV[at + 2])
end
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[2])
if over > 0 then
  local lowest = redis.call('ZPOPMIN', KEYS[2], over)
  for at = 1, #lowest, 2 do redis.call('HDEL', KEYS[3], lowest[at]) end
end
for at = 1, 3 do redis.call('PEXPIRE', KEYS[at], ARGV[4]) end
return 1
