--[[ Changes one field of a user record, or its version, or both.

KEYS[1] user record
ARGV[1] field, "" for none   ARGV[2] its new value, "" deletes it
ARGV[3] "1" raises ver   ARGV[4] "1" makes the record when there is none (users from a file)
ARGV[5] "=" and what the field must hold for the change to be made ("=" alone: nothing, or be
absent), "" for anything

Returns 1: done, 0: no such user, or the field holds something else.
]]
if ARGV[4] ~= '1' and redis.call('HEXISTS', KEYS[1], 'name') == 0 then
  return 0
end
if ARGV[5] ~= '' and '=' .. (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[5] then
  return 0
end
if ARGV[1] ~= '' then
  if ARGV[2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[1])
  else
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  end
end
if ARGV[3] == '1' then
  redis.call('HINCRBY', KEYS[1], 'ver', 1)
end
return 1
