--[[ Makes a user record, unless there is one.

KEYS[1] user record
ARGV[1] name   ARGV[2] password hash, "" for none   ARGV[3] roles, "" for none

Returns 1: made, 0: there is such a user.

ver begins at the clock (ms), never below what it was: a name that is deleted and made again gets a
higher one than any token or session of the old account can carry.
]]
if redis.call('HEXISTS', KEYS[1], 'name') == 1 or redis.call('HEXISTS', KEYS[1], 'password') == 1 then
  return 0
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local before = tonumber(redis.call('HGET', KEYS[1], 'ver') or '0') or 0
redis.call('HSET', KEYS[1], 'name', ARGV[1], 'created', t[1],
  'ver', string.format('%.0f', math.max(now, before + 1)))
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'password', ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'roles', ARGV[3])
end
return 1
