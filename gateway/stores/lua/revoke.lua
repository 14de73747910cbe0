-- Mark a key revoked. KEYS: the key's record. ARGV: when, in Unix microseconds. Gives 1, or 0 when there is no such key that was not
-- revoked yet.
if redis.call('HGET', KEYS[1], 'revoked_us') ~= '' then return 0 end
redis.call('HSET', KEYS[1], 'revoked_us', ARGV[1])
return 1
