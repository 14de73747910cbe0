-- Who links. KEYS: the leader's name. ARGV: who asks, for how long in ms. Gives 1 for whoever does from now on.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
