-- Take all claims of a hold, or none. KEYS: the hold, then a counter per claim. ARGV: hold id, lease_us, tombstone_ms, claims,
-- wants. Gives, packed, {1 held | 0 not held | 2 settled before, then fitted, used, reset_us, retry_us per claim}; fitted is 0, or 1 and
-- what a guess was cut by.
local id, lease_us, tombstone_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now, claims = clock(), claims_from(4)

-- 1. The same id again: the same answer again.
local known = redis.call('GET', KEYS[1])
if known == 'settled' then
  local reply = look(claims, now)
  table.insert(reply, 1, 2)
  return cmsgpack.pack(reply)
elseif known then
  return cmsgpack.pack(cmsgpack.unpack(known).reply)
end

-- 2. See what fits, guesses cut to what is left. What is in shadow never refuses.
local states, fitted, held = {}, {}, 1
for i, claim in ipairs(claims) do
  states[i] = claim.kind.load(KEYS[i + 1], now, claim)
  fitted[i] = fits_cut(claim, states[i], now)
  if not fitted[i] and not claim.shadow then held = 0 end
end

-- 3. Charge all or none, and tell how each limit stands now.
local reply, marks, wants = {held}, {}, {}
for i, claim in ipairs(claims) do
  if held == 1 then
    states[i], marks[i] = claim.kind.charge(states[i], claim, id, now)
    wants[i] = claim.want
    claim.kind.save(KEYS[i + 1], states[i], claim, now)
  end
  tell(reply, claim, states[i], fitted[i], now)
end

-- 4. Remember what was charged. The record outlives its lease by a tombstone's time, to say so when it is settled late.
if held == 1 then
  local record = cmsgpack.pack({ends = now + lease_us, marks = marks, wants = wants, reply = reply})
  redis.call('SET', KEYS[1], record, 'PX', string.format('%.0f', math.ceil(lease_us / 1000) + tombstone_ms))
end
return cmsgpack.pack(reply)
