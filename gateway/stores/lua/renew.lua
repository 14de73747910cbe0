-- Extend the lease of an open hold and of its slots. KEYS: the hold, then a counter per claim. ARGV: hold id, lease_us, tombstone_ms,
-- claims. Gives 1, or 0 when there is no such hold or its lease is over.
local id, lease_us, tombstone_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now, claims = clock(), claims_from(4)

local known = redis.call('GET', KEYS[1])
if not known or known == 'settled' then return 0 end
local record = cmsgpack.unpack(known)
if record.ends <= now then return 0 end

record.ends = now + lease_us
redis.call('SET', KEYS[1], cmsgpack.pack(record), 'PX', string.format('%.0f', math.ceil(lease_us / 1000) + tombstone_ms))
for i, claim in ipairs(claims) do
  if claim.window == 'slots' then
    local state = claim.kind.load(KEYS[i + 1], now, claim)
    claim.kind.renew(state, claim, id, now)
    claim.kind.save(KEYS[i + 1], state, claim, now)
  end
end
return 1
