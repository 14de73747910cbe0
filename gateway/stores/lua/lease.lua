-- Lease a slice of one limit in advance: charged now, given out later. KEYS: the slice's record, its counter. ARGV: slice id, lease_us,
-- kept_ms, least, ahead_us, force, the claim, its want being the most. Gives granted, then fitted, used, reset_us, retry_us for `least`.
local id, lease_us, kept_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local least, ahead_us, force = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local now, claim = clock(), claims_from(7)[1]
local PARTS = 4

-- 1. As much as is asked for, but no more than a quarter of what is free: towards the end of a limit the slices become small.
local state = claim.kind.load(KEYS[2], now, claim)
local free = math.floor((claim.window == 'bucket' and claim.burst or claim.amount) - claim.kind.read(state, claim, true, now))
claim.want = min(claim.want, max(least, math.floor(free / PARTS)))

-- 2. A record that is there was ended before it began: this is late.
local fitted = claim.kind.fits(state, claim)
if redis.call('EXISTS', KEYS[1]) == 1 or not (fitted or force) then
  claim.want = least
  local reply = {0}
  tell(reply, claim, state, fitted, now)
  return reply
end

-- 3. In a sliding window it is charged where the lease ends, so that whatever is given out until then counts long enough.
local mark
if claim.want > 0 then
  state, mark = claim.kind.charge(state, claim, id, claim.window == 'sliding' and now + ahead_us or now)
  claim.kind.save(KEYS[2], state, claim, now)
  local record = cmsgpack.pack({ends = now + lease_us, mark = mark, want = claim.want})
  redis.call('SET', KEYS[1], record, 'PX', string.format('%.0f', math.ceil(lease_us / 1000) + kept_ms))
end
local reply = {claim.want}
tell(reply, claim, state, fitted, now)
return reply
