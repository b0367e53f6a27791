-- Ends an attempt in flight as a failure.
-- KEYS: failures, attempts in flight. ARGV: token, limit, window, first wait, max wait. Times are in milliseconds.
-- Returns how long the next attempt has to wait. Failures are kept for another max wait after that.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local limit, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local first_wait, max_wait = tonumber(ARGV[4]), tonumber(ARGV[5])

redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('ZCARD', KEYS[1]) < limit then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window) end
redis.call('ZADD', KEYS[1], now, ARGV[1])
local failures = redis.call('ZCARD', KEYS[1])
local wait = 0
if failures >= limit then wait = math.min(first_wait * 2 ^ (failures - limit), max_wait) end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(wait > 0 and wait + max_wait or 0, window)))
return wait
