-- All campaigns there are. KEYS: the campaigns, the log. ARGV: who tells, how many log entries, how long in ms, then of each campaign: its
-- id, what is known of it.
redis.call('DEL', KEYS[1])
for at = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'by', ARGV[1], 'campaigns', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
