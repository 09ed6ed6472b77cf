--[[ Notes that a session was used, for the page of sessions. Never makes a session live longer.

KEYS[1] session record   KEYS[2] seen record
ARGV[1] address   ARGV[2] device

Returns 1, or 0 when there is no such session.
]]
local ends = redis.call('EXPIRETIME', KEYS[1])
if ends < 0 then
  return 0
end
redis.call('HSET', KEYS[2], 'at', redis.call('TIME')[1], 'address', ARGV[1], 'agent', ARGV[2])
redis.call('EXPIREAT', KEYS[2], ends)
return 1
