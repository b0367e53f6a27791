-- Counts a hit in each window and starts an attempt; changes nothing if one of them exceeds its limit.
-- KEYS: the windows, then (with an attempt) its failures and those in flight.
-- ARGV: token, number of windows, amount, length and cost of each, then (with an attempt) limit, window, first wait, max wait,
-- in-flight timeout. Times are in milliseconds.
-- Returns two numbers for each: how many hits remain (-1: exceeded), and in how many milliseconds more are allowed.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local token, windows = ARGV[1], tonumber(ARGV[2])
local result, is_full = {}, false

for i = 1, windows do
  local amount, length, cost = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - length)
  local free = amount - redis.call('ZCARD', KEYS[i])
  local next_expiring = math.min(math.max(0, cost - 1 - free), math.max(0, amount - free - 1))
  local oldest = redis.call('ZRANGE', KEYS[i], next_expiring, next_expiring, 'WITHSCORES')[2] or now
  result[2 * i - 1], result[2 * i] = math.max(free - cost, -1), oldest + length - now
  is_full = is_full or free < cost
end
if is_full then return result end

if #KEYS > windows then
  local failed, in_flight, at = KEYS[windows + 1], KEYS[windows + 2], 3 * windows + 2
  local slot = 2 * windows + 1
  local limit, window, first_wait = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local max_wait, timeout = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if redis.call('ZCARD', failed) < limit then redis.call('ZREMRANGEBYSCORE', failed, '-inf', now - window) end
  redis.call('ZREMRANGEBYSCORE', in_flight, '-inf', now - timeout)
  local failures = redis.call('ZCARD', failed)
  local free = math.max(limit - failures, 1) - redis.call('ZCARD', in_flight)
  local wait = 0
  if failures >= limit then
    local last = redis.call('ZRANGE', failed, -1, -1, 'WITHSCORES')[2]
    wait = last + math.min(first_wait * 2 ^ (failures - limit), max_wait) - now
  end
  if wait <= 0 and free < 1 then wait = 1000 end
  if wait > 0 then
    result[slot], result[slot + 1] = -1, wait
    return result
  end
  result[slot], result[slot + 1] = free - 1, window
  redis.call('ZADD', in_flight, now, token)
  redis.call('PEXPIRE', in_flight, timeout)
end

for i = 1, windows do
  redis.call('ZADD', KEYS[i], now, token)
  for unit = 2, tonumber(ARGV[3 * i + 2]) do redis.call('ZADD', KEYS[i], now, token .. ':' .. unit) end
  redis.call('PEXPIRE', KEYS[i], ARGV[3 * i + 1])
end
return result
