-- A try that was being judged was wrong.
-- KEYS: failures, those being judged. ARGV: id, most, window, first wait, longest wait.
-- Answers for how many milliseconds the next try has to wait. After that, failures are remembered as long as the longest wait.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local most, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local first_wait, longest_wait = tonumber(ARGV[4]), tonumber(ARGV[5])

redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('ZCARD', KEYS[1]) < most then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window) end
redis.call('ZADD', KEYS[1], now, ARGV[1])
local failures = redis.call('ZCARD', KEYS[1])
local wait = 0
if failures >= most then wait = math.min(first_wait * 2 ^ (failures - most), longest_wait) end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(wait > 0 and wait + longest_wait or 0, window)))
return wait
