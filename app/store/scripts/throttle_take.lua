--[[ Takes one attempt from a window, if one is left.

KEYS[1] counter of the window
ARGV[1] limit   ARGV[2] length of the window (s)

Returns {1 taken / 0 refused, attempts counted, seconds until the window ends}.

The window begins with its first attempt. A refused attempt is not counted and prolongs nothing, so
whoever goes on trying keeps nobody out for longer.
]]
local count = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
local taken = 0
if count < tonumber(ARGV[1]) then
  count = redis.call('INCR', KEYS[1])
  taken = 1
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[2]) * 1000
  redis.call('PEXPIRE', KEYS[1], left)
end
return { taken, count, math.max(1, math.ceil(left / 1000)) }
