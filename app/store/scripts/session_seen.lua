--[[ Notes that a session was used, for the page of sessions. Never makes a session live longer.

KEYS[1] session record   KEYS[2] seen record
ARGV[1] address   ARGV[2] device   ARGV[3] how often each node asks for it (s)

Returns 1, or 0 when there is no such session or it cannot be noted now (READONLY, OOM): that is no
fault of the check that comes along with it.

What another node noted a short time ago is not written again, so that a session costs no more writes
(and copies to replicas and to disk) on many nodes than on one.
]]
local ends = redis.call('EXPIRETIME', KEYS[1])
if ends < 0 then
  return 0
end
local now = tonumber(redis.call('TIME')[1])
local before = redis.pcall('HMGET', KEYS[2], 'at', 'address', 'agent')
local fresh = now - (not before.err and tonumber(before[1]) or 0) < tonumber(ARGV[3]) * 3 / 4
if fresh and before[2] == ARGV[1] and before[3] == ARGV[2] then
  return 1
end
local noted = redis.pcall('HSET', KEYS[2], 'at', now, 'address', ARGV[1], 'agent', ARGV[2])
if type(noted) == 'table' and noted.err then
  return 0
end
redis.call('EXPIREAT', KEYS[2], ends)
return 1
