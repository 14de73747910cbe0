-- Settle a hold by the truth. KEYS: the hold, then a counter per claim. ARGV: hold id, tombstone_ms of an unknown id, tombstone_ms
-- of one that was taken, claims with the true amount in place of what was wanted. Gives settled | repeated | expired | unknown_id.
local id, unknown_ms, tombstone_ms = ARGV[1], ARGV[2], ARGV[3]
local now, claims = clock(), claims_from(4)

local known = redis.call('GET', KEYS[1])
if known == 'settled' then return 'repeated' end
redis.call('SET', KEYS[1], 'settled', 'PX', known and tombstone_ms or unknown_ms)
if not known then return 'unknown_id' end

-- A hold whose lease is over stays charged as estimated; only its slots are given back.
local record = cmsgpack.unpack(known)
local expired = record.ends <= now
for i, claim in ipairs(claims) do
  if record.wants[i] and (not expired or claim.window == 'slots') then
    local state = claim.kind.load(KEYS[i + 1], now, claim)
    local left = claim.want
    if record.slices then
      -- Of several charges the earlier are filled first, the last has all that is left.
      local charged = {{i, record.wants[i], record.marks[i]}}
      for _, slice in ipairs(record.slices) do
        if slice[1] == i then charged[#charged + 1] = slice end
      end
      for n = 1, #charged - 1 do
        local part = min(charged[n][2], left)
        state = claim.kind.settle(state, claim, id, charged[n][2], charged[n][3], part, now)
        left = left - part
      end
      record.wants[i], record.marks[i] = charged[#charged][2], charged[#charged][3]
    end
    state = claim.kind.settle(state, claim, id, record.wants[i], record.marks[i], left, now)
    claim.kind.save(KEYS[i + 1], state, claim, now)
  end
end
return expired and 'expired' or 'settled'
