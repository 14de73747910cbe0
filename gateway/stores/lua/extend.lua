-- Charge an open hold a further slice, or nothing. KEYS: the hold, then a counter per claim. ARGV: hold id, tombstone_ms, the slice's
-- number, claims with their part of the slice as what is wanted, in shadow where they may not refuse.
-- Gives, packed, {1 held | 0 not held, then fitted, used, reset_us, retry_us per claim}, or {2} where there is no such hold or its lease is over.
local id, tombstone_ms, number = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now, claims = clock(), claims_from(4)

local known = redis.call('GET', KEYS[1])
if not known or known == 'settled' then return cmsgpack.pack({2}) end
local record = cmsgpack.unpack(known)
if record.ends <= now then return cmsgpack.pack({2}) end
if record.answer and number <= record.number then return cmsgpack.pack(record.answer) end

-- 1. See what fits. Of what nothing is wanted, nothing is asked.
local states, fitted, held = {}, {}, 1
for i, claim in ipairs(claims) do
  states[i] = claim.kind.load(KEYS[i + 1], now, claim)
  fitted[i] = claim.want == 0 or claim.kind.fits(states[i], claim)
  if not fitted[i] and not claim.shadow then held = 0 end
end

-- 2. Charge all or none.
local reply, slices = {held}, record.slices or {}
for i, claim in ipairs(claims) do
  if held == 1 and claim.want > 0 then
    local mark
    states[i], mark = claim.kind.charge(states[i], claim, id, now)
    slices[#slices + 1] = {i, claim.want, mark}
    claim.kind.save(KEYS[i + 1], states[i], claim, now)
  end
  tell(reply, claim, states[i], fitted[i], now)
end

-- 3. Remember what was charged and answered; the lease stays as it was.
if held == 1 then
  record.number, record.answer, record.slices = number, reply, slices
  local lasts_ms = math.ceil((record.ends - now) / 1000) + tombstone_ms
  redis.call('SET', KEYS[1], cmsgpack.pack(record), 'PX', string.format('%.0f', lasts_ms))
end
return cmsgpack.pack(reply)
