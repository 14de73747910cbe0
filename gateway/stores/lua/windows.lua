-- The windows of gateway/quota, in the same IEEE-double operations and the same order. Each has
--   load(key, now, c)             its state, aged
--   fits(state, c)                whether c.want fits on top
--   charge(state, c, id, now)     charges it; gives the new state and a mark that the hold keeps
--   settle(state, c, id, want, mark, true_amount, now)
--   read(state, c, fitted, now)   used, reset_us, retry_us
--   save(key, state, c, now)      writes it, to expire by itself once it is as good as unused
-- A claim c is {window, amount, burst, span, shadow} and what it wants, the span a number of microseconds but for calendars; KEYS[i + 1] is the
-- counter of claim i.

local EXACT = 9007199254740992
local SLICES = 60
local MARGIN_MS = 1000

local function min(a, b) if a < b then return a end return b end
local function max(a, b) if a > b then return a end return b end

local function keep(key, value, lasts_us)
  redis.call('SET', key, value, 'PX', string.format('%.0f', min(math.ceil(lasts_us / 1000) + MARGIN_MS, EXACT / 1000)))
end

-- Sliding: {total, lasts, amounts}, kept as msgpack of {last, amount, last, amount, ...}, oldest first: of each slice when it was last
-- charged, and what was charged in it.
local sliding = {}

local function slice_us(c) return max(1, math.ceil(c.window_us / SLICES)) end

local function slice_of(moment, c) return math.floor(moment / slice_us(c)) end

function sliding.load(key, now, c)
  local state = {total = 0, lasts = {}, amounts = {}}
  local kept = redis.call('GET', key)
  if not kept then return state end
  local flat, horizon, n = cmsgpack.unpack(kept), now - c.window_us, 0
  for i = 1, #flat, 2 do
    if flat[i] > horizon then
      n = n + 1
      state.lasts[n], state.amounts[n] = flat[i], flat[i + 1]
      state.total = state.total + flat[i + 1]
    end
  end
  return state
end

function sliding.fits(state, c) return state.total + c.want <= c.amount end

local function added(state, c, now, amount)
  if amount <= 0 then return state end
  local lasts, amounts, number = state.lasts, state.amounts, slice_of(now, c)
  local place = #lasts
  while place > 0 and slice_of(lasts[place], c) > number do place = place - 1 end
  if place > 0 and slice_of(lasts[place], c) == number then
    lasts[place], amounts[place] = max(lasts[place], now), amounts[place] + amount
  else
    table.insert(lasts, place + 1, now)
    table.insert(amounts, place + 1, amount)
  end
  state.total = state.total + amount
  return state
end

function sliding.charge(state, c, id, now) return added(state, c, now, c.want), slice_of(now, c) end

function sliding.settle(state, c, id, want, mark, true_amount, now)
  if true_amount > want then return added(state, c, now, true_amount - want) end
  local lasts, amounts = state.lasts, state.amounts
  for i = 1, #lasts do
    if slice_of(lasts[i], c) == mark then
      local gone = min(want - true_amount, amounts[i])
      amounts[i], state.total = amounts[i] - gone, state.total - gone
      if amounts[i] <= 0 then
        table.remove(lasts, i)
        table.remove(amounts, i)
      end
      return state
    end
  end
  return state
end

function sliding.read(state, c, fitted, now)
  local n, reset, retry = #state.lasts, 0, -1
  if n > 0 then reset = state.lasts[n] + c.window_us - now end
  if not fitted and c.want <= c.amount then
    local left = state.total
    for i = 1, n do
      left = left - state.amounts[i]
      if left + c.want <= c.amount then
        retry = state.lasts[i] + c.window_us - now
        break
      end
    end
  end
  return state.total, reset, retry
end

function sliding.save(key, state, c, now)
  local n = #state.lasts
  if n == 0 then redis.call('DEL', key) return end
  local flat = {}
  for i = 1, n do flat[2 * i - 1], flat[2 * i] = state.lasts[i], state.amounts[i] end
  keep(key, cmsgpack.pack(flat), state.lasts[n] + c.window_us - now)
end

-- Bucket: {level, last}, kept as two numbers in %.17g. See gateway/quota/bucket.py for why it rounds as it does.
local bucket = {}
local QUANTA = 1048576
local DOWN = 1 - 2.220446049250313e-16
local UP = 1 + 8.881784197001252e-16

local function drained(elapsed, amount, window)
  local paid = elapsed * amount
  if paid >= EXACT then paid = paid * DOWN end
  local scaled = paid * QUANTA
  return math.floor((scaled - math.fmod(scaled, window)) / window + 0.5) / QUANTA
end

local function time_to_drain(quantity, amount, window)
  if amount <= 0 then return window end
  local elapsed = min(math.ceil(quantity * window / amount), EXACT)
  if drained(elapsed, amount, window) >= quantity then return elapsed end
  return elapsed + 1
end

function bucket.load(key, now, c)
  local kept = redis.call('GET', key)
  if not kept then return {level = 0, last = 0} end
  local level, last = string.match(kept, '^(%S+) (%S+)$')
  local state = {level = tonumber(level), last = tonumber(last)}
  local elapsed = now - state.last
  if elapsed <= 0 then return state end
  local gone = drained(elapsed, c.amount, c.window_us)
  if gone >= state.level then return {level = 0, last = 0} end
  if gone <= 0 then return state end
  local took = min(elapsed, math.ceil(gone * c.window_us / c.amount * UP))
  return {level = state.level - gone, last = state.last + took}
end

function bucket.fits(state, c) return state.level + c.want <= c.burst end

local function filled(state, change, now)
  local level = state.level + change
  if level <= 0 then return {level = 0, last = 0} end
  if state.level > 0 then return {level = level, last = state.last} end
  return {level = level, last = now}
end

function bucket.charge(state, c, id, now) return filled(state, c.want, now), 0 end

function bucket.settle(state, c, id, want, mark, true_amount, now) return filled(state, true_amount - want, now) end

local function wait(state, quantity, c, now) return time_to_drain(quantity, c.amount, c.window_us) - (now - state.last) end

function bucket.read(state, c, fitted, now)
  local reset, retry = 0, -1
  if state.level > 0 then reset = wait(state, state.level, c, now) end
  if not fitted and c.want <= c.burst and c.amount > 0 then retry = max(1, wait(state, state.level + c.want - c.burst, c, now)) end
  return math.ceil(state.level), reset, retry
end

function bucket.save(key, state, c, now)
  if state.level <= 0 then redis.call('DEL', key) return end
  keep(key, string.format('%.17g %.17g', state.level, state.last), wait(state, state.level, c, now))
end

-- Slots: a sorted set of hold ids by the end of their lease. It is changed in place, so `save` only dates it.
local slots = {}

function slots.load(key, now, c) return {key = key, now = now, open = redis.call('ZCOUNT', key, string.format('(%.0f', now), '+inf')} end

function slots.fits(state, c) return state.open < c.amount end

local function ends(state, skip)
  local found = redis.call(
    'ZRANGEBYSCORE', state.key, string.format('(%.0f', state.now), '+inf', 'WITHSCORES', 'LIMIT', string.format('%.0f', skip), 1)
  return tonumber(found[2])
end

function slots.charge(state, c, id, now)
  local mark = now + c.window_us
  redis.call('ZADD', state.key, string.format('%.0f', mark), id)
  state.open = state.open + 1
  return state, mark
end

function slots.settle(state, c, id, want, mark, true_amount, now)
  local score = redis.call('ZSCORE', state.key, id)
  if score and tonumber(score) > now then state.open = state.open - 1 end
  redis.call('ZREM', state.key, id)
  return state
end

function slots.renew(state, c, id, now)
  local score = redis.call('ZSCORE', state.key, id)
  if score and tonumber(score) > now then redis.call('ZADD', state.key, string.format('%.0f', now + c.window_us), id) end
end

function slots.read(state, c, fitted, now)
  local reset, retry = 0, -1
  if state.open > 0 then reset = ends(state, state.open - 1) - now end
  if not fitted and c.amount > 0 then retry = ends(state, state.open - c.amount) - now end
  return state.open, reset, retry
end

function slots.save(key, state, c, now)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
  local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  if last[2] then redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((tonumber(last[2]) - now) / 1000) + MARGIN_MS)) end
end

-- Calendar: {start, used}, kept as two whole numbers. The claim's span is the starts of the periods around its arrival, in microseconds.
local calendar = {}

local function starts_of(c)
  if not c.starts then
    c.starts = {}
    for start in string.gmatch(c.span, '%S+') do c.starts[#c.starts + 1] = tonumber(start) end
  end
  return c.starts
end

local function period_left(start, c, now)
  local starts = starts_of(c)
  for _, next_start in ipairs(starts) do
    if next_start > start then return max(1, next_start - now) end
  end
  return max(1, start + starts[#starts] - starts[#starts - 1] - now)
end

function calendar.load(key, now, c)
  local starts = starts_of(c)
  local start = starts[1]
  for _, next_start in ipairs(starts) do
    if next_start <= now then start = next_start end
  end
  local kept = redis.call('GET', key)
  if not kept then return {start = start, used = 0} end
  local at, used = string.match(kept, '^(%S+) (%S+)$')
  if tonumber(at) < start then return {start = start, used = 0} end
  return {start = tonumber(at), used = tonumber(used)}
end

function calendar.fits(state, c) return state.used + c.want <= c.amount end

function calendar.charge(state, c, id, now) return {start = state.start, used = state.used + c.want}, state.start end

function calendar.settle(state, c, id, want, mark, true_amount, now)
  if state.start ~= mark then return state end
  return {start = mark, used = max(0, state.used + true_amount - want)}
end

function calendar.read(state, c, fitted, now)
  local left = period_left(state.start, c, now)
  return state.used, state.used > 0 and left or 0, c.want <= c.amount and left or -1
end

function calendar.save(key, state, c, now)
  if state.used <= 0 then redis.call('DEL', key) return end
  keep(key, string.format('%.0f %.0f', state.start, state.used), period_left(state.start, c, now))
end

-- Lifetime: what was ever charged, kept as a whole number that never expires.
local lifetime = {}

function lifetime.load(key, now, c) return tonumber(redis.call('GET', key) or 0) end

function lifetime.fits(state, c) return state + c.want <= c.amount end

function lifetime.charge(state, c, id, now) return state + c.want, 0 end

function lifetime.settle(state, c, id, want, mark, true_amount, now) return max(0, state + true_amount - want) end

function lifetime.read(state, c, fitted, now) return state, state > 0 and -1 or 0, -1 end

function lifetime.save(key, state, c, now)
  if state <= 0 then redis.call('DEL', key) return end
  redis.call('SET', key, string.format('%.0f', state))
end

local WINDOWS = {sliding = sliding, bucket = bucket, slots = slots, calendar = calendar, lifetime = lifetime}

-- The claims in ARGV[at], packed, and what they want in ARGV[at + 1], followed by how much of each is a guess, where something is. Each
-- carries the functions of its window.
local function claims_from(at)
  local claims, terms, wants = {}, cmsgpack.unpack(ARGV[at]), cmsgpack.unpack(ARGV[at + 1])
  local n = #terms
  for i = 1, n do
    local c = terms[i]
    claims[i] = {
      kind = WINDOWS[c[1]], window = c[1], amount = c[2], burst = c[3], span = c[4], window_us = tonumber(c[4]), want = wants[i], shadow = c[5],
      guess = wants[n + i] or 0, cut = 0,
    }
  end
  return claims
end

-- The least of a claim that must fit: of a guess, something.
local function least(claim) return claim.guess > 0 and max(claim.want - claim.guess, 1) or claim.want end

-- Whether a claim fits, its guess cut to what is left where the whole does not.
local function fits_cut(claim, state, now)
  if claim.kind.fits(state, claim) then return true end
  if claim.guess == 0 then return false end
  local left = (claim.window == 'bucket' and claim.burst or claim.amount) - claim.kind.read(state, claim, true, now)
  if left < least(claim) then
    claim.want, claim.guess = least(claim), 0
    return false
  end
  claim.cut, claim.want, claim.guess = claim.want - left, left, 0
  return claim.kind.fits(state, claim)
end

-- One claim's state as the four numbers that a reply has for it. Replies are packed: many numbers cost more to read one by one.
local function tell(reply, claim, state, fitted, now)
  local used, reset, retry = claim.kind.read(state, claim, fitted, now)
  if fitted then retry = 0 end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = fitted and 1 + claim.cut or 0, used, reset, retry
end

local function look(claims, now)
  local reply = {}
  for i, claim in ipairs(claims) do
    local state = claim.kind.load(KEYS[i + 1], now, claim)
    tell(reply, claim, state, claim.kind.fits(state, claim), now)
  end
  return reply
end
