--[[ Ends one session of a user.

KEYS[1] session record   KEYS[2] index of the user's sessions   KEYS[3] seen record
ARGV[1] handle

Returns 1 when it lived, 0 when there was none.
]]
local lived = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HEXISTS', KEYS[1], 'ended') == 0
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return lived and 1 or 0
