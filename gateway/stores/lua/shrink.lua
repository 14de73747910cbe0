-- Give back what a leased slice does not need, and extend or end its lease. KEYS: the slice's record, its counter. ARGV: slice id,
-- lease_us, kept_ms, tombstone_ms, what stays charged, whether this is the end, the claim. Only ever less stays charged, so the same
-- again, or an earlier one that comes late, changes nothing. Gives settled | repeated | expired | unknown_id.
local id, lease_us, kept_ms, tombstone_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local keep, final = tonumber(ARGV[5]), ARGV[6] == '1'
local now, claim = clock(), claims_from(7)[1]

local known = redis.call('GET', KEYS[1])
if known == 'settled' then return 'repeated' end
if not known then
  if final then redis.call('SET', KEYS[1], 'settled', 'PX', tombstone_ms) end
  return 'unknown_id'
end

local record = cmsgpack.unpack(known)
local slots = claim.window == 'slots'
local expired = record.ends <= now
local state = claim.kind.load(KEYS[2], now, claim)
if keep < record.want and (slots or not expired) then
  state = claim.kind.settle(state, claim, id, record.want, record.mark, keep, now)
  record.want = keep
elseif slots and not expired then
  claim.kind.renew(state, claim, id, now)
end
claim.kind.save(KEYS[2], state, claim, now)
if final or expired then
  redis.call('SET', KEYS[1], 'settled', 'PX', tombstone_ms)
else
  record.ends = now + lease_us
  redis.call('SET', KEYS[1], cmsgpack.pack(record), 'PX', string.format('%.0f', math.ceil(lease_us / 1000) + kept_ms))
end
return expired and 'expired' or 'settled'
