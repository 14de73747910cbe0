-- The server's clock, in Unix microseconds: the one clock that all processes share.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
