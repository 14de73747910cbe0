-- Put one caller's state in the place of the one it was made from. KEYS: the caller's record. ARGV: token of the state that it was made
-- from ('' for none), its own token, the state, how long it is kept in ms. Gives {1}, or {0, tokens, state} where another stands there.
local tokens = redis.call('HGET', KEYS[1], 'tokens')
if tokens then
  local known = ',' .. tokens .. ','
  if string.find(known, ',' .. ARGV[2] .. ',', 1, true) then return {1} end
  if string.match(tokens, '^[^,]*') ~= ARGV[1] then return {0, tokens, redis.call('HGET', KEYS[1], 'state')} end
end
-- The last two dozen writers, so that an offer of unknown outcome may be made again.
local kept, count = ARGV[2], 1
for token in string.gmatch(tokens or '', '[^,]+') do
  if count == 24 then break end
  kept, count = kept .. ',' .. token, count + 1
end
redis.call('HSET', KEYS[1], 'tokens', kept, 'state', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1}
