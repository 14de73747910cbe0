-- Add one ruling. KEYS: rulings by place, the place in the order of each, the last place of each caller, the count of places.
-- ARGV: key id, ruling, capacity. Rulings that a later one has replaced go first (their order is their place less 2^52).
local place = redis.call('INCR', KEYS[4])
local before = redis.call('HGET', KEYS[3], ARGV[1])
if before and redis.call('ZSCORE', KEYS[2], before) then redis.call('ZADD', KEYS[2], before - 4503599627370496, before) end
redis.call('HSET', KEYS[3], ARGV[1], place)
redis.call('HSET', KEYS[1], place, ARGV[1] .. ' ' .. ARGV[2])
redis.call('ZADD', KEYS[2], place, place)
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
if over > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[2], over)
  for i = 1, #gone, 2 do
    local key_id = string.match(redis.call('HGET', KEYS[1], gone[i]), '^(%S+) ')
    redis.call('HDEL', KEYS[1], gone[i])
    if redis.call('HGET', KEYS[3], key_id) == gone[i] then redis.call('HDEL', KEYS[3], key_id) end
  end
end
return place
