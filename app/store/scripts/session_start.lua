--[[ Makes a session, within the user's limit, in one step.

KEYS[1] session record   KEYS[2] index of the user's sessions   KEYS[3] seen record
KEYS[4] record and KEYS[5] seen record of the session that gives way; the new one's where none does
KEYS[6..] records of those sessions, the oldest first, that would have to go when the caller looked
ARGV[1] handle of the new session   ARGV[2] context   ARGV[3] style
ARGV[4] ver   ARGV[5] idle timeout (s)   ARGV[6] absolute timeout (s)
ARGV[7] persist ("1" or "")   ARGV[8] address   ARGV[9] device
ARGV[10] max sessions (0: no limit)   ARGV[11] on limit: "end_oldest" or "refuse"
ARGV[12] handle of the session that gives way   ARGV[13..] handles, in the order of KEYS[6..]

Returns {"ok", now (ms), auth_time (s), idle_end (s), absolute_end (s)}, {"limit"}, or {"again"}
when more have to go than keys were given, or than have gone in this step.

A session ended by the limit keeps its record, marked, for a day at most: its browser is told why.
]]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local sec = math.floor(now / 1000)
local max = tonumber(ARGV[10])

redis.call('DEL', KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[2], ARGV[12])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', sec)
local count = redis.call('ZCARD', KEYS[2])
if max > 0 and count >= max then
  local living, cleaned = {}, false
  for i = 6, #KEYS do
    local handle = ARGV[i + 7]
    if redis.call('ZSCORE', KEYS[2], handle) then
      local at = redis.call('HGET', KEYS[i], 'auth_time')
      if at then
        living[#living + 1] = { key = KEYS[i], handle = handle, at = tonumber(at) }
      else
        redis.call('ZREM', KEYS[2], handle)
        cleaned = true
      end
    end
  end
  local surplus = redis.call('ZCARD', KEYS[2]) - max + 1
  if surplus > 0 then
    if ARGV[11] == 'refuse' then
      return { cleaned and 'again' or 'limit' }
    end
    table.sort(living, function(a, b)
      return a.at < b.at or (a.at == b.at and a.handle < b.handle)
    end)
    for i = 1, math.min(surplus, #living) do
      redis.call('HSET', living[i].key, 'ended', 'elsewhere')
      if redis.call('TTL', living[i].key) > 86400 then
        redis.call('EXPIRE', living[i].key, 86400)
      end
      redis.call('ZREM', KEYS[2], living[i].handle)
    end
    if surplus > #living then
      return { 'again' }
    end
  end
end

local absolute_end = sec + tonumber(ARGV[6])
local idle_end = math.min(sec + tonumber(ARGV[5]), absolute_end)
redis.call('HSET', KEYS[1], 'generation', 1, 'rotated_at', now, 'context', ARGV[2], 'auth_time', sec,
  'absolute_end', absolute_end, 'v', ARGV[4], 'i', ARGV[5])
if ARGV[3] ~= 'rotate' then
  redis.call('HSET', KEYS[1], 'style', ARGV[3])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'persist', ARGV[7])
end
redis.call('EXPIREAT', KEYS[1], idle_end)
redis.call('HSET', KEYS[3], 'at', sec, 'address', ARGV[8], 'agent', ARGV[9])
redis.call('EXPIREAT', KEYS[3], idle_end)
redis.call('ZADD', KEYS[2], idle_end, ARGV[1])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('EXPIREAT', KEYS[2], last[2])
return { 'ok', now, sec, idle_end, absolute_end }
