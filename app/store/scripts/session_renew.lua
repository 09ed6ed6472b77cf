--[[ Prolongs a session that is in use.

KEYS[1] session record   KEYS[2] index of the user's sessions   KEYS[3] seen record
ARGV[1] handle   ARGV[2] renew when less than this is left (s)   ARGV[3] renew by (s)

Returns the seconds left, or 0 when there is no such session. Many calls at once prolong it once:
the second finds more left than ARGV[2].
]]
local record = redis.call('HMGET', KEYS[1], 'absolute_end', 'ended', 'i')
if not record[1] or record[2] then
  return 0
end
local now = tonumber(redis.call('TIME')[1])
local ends = redis.call('EXPIRETIME', KEYS[1])
if ends - now >= tonumber(ARGV[2]) then
  return ends - now
end
-- However small renew_below is set, what is left after a use is never more than the idle timeout.
ends = math.min(ends + tonumber(ARGV[3]), now + tonumber(record[3]), tonumber(record[1]))
redis.call('EXPIREAT', KEYS[1], ends)
redis.call('EXPIREAT', KEYS[3], ends)
redis.call('ZADD', KEYS[2], 'XX', ends, ARGV[1])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
if last[2] then
  redis.call('EXPIREAT', KEYS[2], last[2])
end
return ends - now
