-- Counts a hit in each window, and begins a try; or does nothing at all, where one of them has no room.
-- KEYS: the windows, then (with a try) its failures and those being judged.
-- ARGV: id, number of windows, amount, length and cost of each, then (with a try) most, window, first wait, longest wait, patience.
-- Answers two numbers for each: how many are left (-1: none for this one), and in how many milliseconds there is more.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local id, windows = ARGV[1], tonumber(ARGV[2])
local answer, is_full = {}, false

for i = 1, windows do
  local amount, length, cost = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - length)
  local free = amount - redis.call('ZCARD', KEYS[i])
  local next_to_go = math.min(math.max(0, cost - 1 - free), math.max(0, amount - free - 1))
  local oldest = redis.call('ZRANGE', KEYS[i], next_to_go, next_to_go, 'WITHSCORES')[2] or now
  answer[2 * i - 1], answer[2 * i] = math.max(free - cost, -1), oldest + length - now
  is_full = is_full or free < cost
end
if is_full then return answer end

if #KEYS > windows then
  local failed, judged, at = KEYS[windows + 1], KEYS[windows + 2], 3 * windows + 2
  local place = 2 * windows + 1
  local most, window, first_wait = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local longest_wait, patience = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if redis.call('ZCARD', failed) < most then redis.call('ZREMRANGEBYSCORE', failed, '-inf', now - window) end
  redis.call('ZREMRANGEBYSCORE', judged, '-inf', now - patience)
  local failures = redis.call('ZCARD', failed)
  local free = math.max(most - failures, 1) - redis.call('ZCARD', judged)
  local wait = 0
  if failures >= most then
    local last = redis.call('ZRANGE', failed, -1, -1, 'WITHSCORES')[2]
    wait = last + math.min(first_wait * 2 ^ (failures - most), longest_wait) - now
  end
  if wait <= 0 and free < 1 then wait = 1000 end
  if wait > 0 then
    answer[place], answer[place + 1] = -1, wait
    return answer
  end
  answer[place], answer[place + 1] = free - 1, window
  redis.call('ZADD', judged, now, id)
  redis.call('PEXPIRE', judged, patience)
end

for i = 1, windows do
  redis.call('ZADD', KEYS[i], now, id)
  for unit = 2, tonumber(ARGV[3 * i + 2]) do redis.call('ZADD', KEYS[i], now, id .. ':' .. unit) end
  redis.call('PEXPIRE', KEYS[i], ARGV[3 * i + 1])
end
return answer
