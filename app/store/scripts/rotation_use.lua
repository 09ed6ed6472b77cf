--[[ A refresh token of generation g is presented: the whole decision in one step.

KEYS[1] session record   KEYS[2] user record   KEYS[3] index of the user's sessions
KEYS[4] seen record
ARGV[1] g   ARGV[2] grace (ms)   ARGV[3] context now   ARGV[4] bind: none, agent, address or both
ARGV[5] handle   ARGV[6] address   ARGV[7] device
ARGV[8] window (s) in which ARGV[9] rotations, ARGV[10] repeats, ARGV[11] changes of the address
prefix are usual
ARGV[12] the user's and the realm's version, or "" for a user that may not sign in now
ARGV[13] "1": this is use of the session and prolongs it, or "": background polling, which does not

Returns {what, generation, rotated_at (ms), now (ms), auth_time, absolute_end, idle_end, ver,
persist, context before, style, unusual}; unusual is "", or once a window "often", "repeats" or
"places" when that is exceeded; what is one of
  ok        g was current (or newer, see below): the generation is now g + 1
  repeat    g was current until less than grace ago and the context is the same: the same successor
  reused    g is older than that: somebody has a copy. The session is ended
  ended     no such session (then nothing follows), or it was ended: followed by the mark
  absolute  past its absolute end. The session is ended
  context   bound to a context that changed. The session is ended
  disabled  the user is disabled or no longer known: nothing changed
  superseded  of a version that was raised since. The session is ended

g newer than current: the store lost its last write in a failover. The client proves by its MAC that
the generation was reached, so the store moves forward: nobody is thrown out, and there are never
two lineages, since the successor of a generation is always the same.
The end of the grace is fixed by the rotation, never by a repeat.
]]
local record = redis.call('HMGET', KEYS[1], 'generation', 'rotated_at', 'context', 'auth_time',
  'absolute_end', 'i', 'v', 'persist', 'ended', 'style')
if not record[1] then
  return { 'ended' }
end
if record[9] then
  return { 'ended', record[9] }
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local sec = math.floor(now / 1000)
local g, current = tonumber(ARGV[1]), tonumber(record[1])
local absolute_end = tonumber(record[5])

local unusual = ''
local function answer(what, generation, rotated_at, ends)
  return { what, generation, rotated_at, now, tonumber(record[4]), absolute_end, ends,
    tonumber(record[7]), record[8] or '', record[3], record[10], unusual }
end
-- Counts in the seen record, which no mirror follows. It expires with the session.
local function count(what, usual)
  local since = redis.call('HGET', KEYS[4], 'window')
  if not since or sec - tonumber(since) >= tonumber(ARGV[8]) then
    redis.call('HDEL', KEYS[4], 'often', 'repeats', 'places')
    redis.call('HSET', KEYS[4], 'window', sec)
  end
  if redis.call('HINCRBY', KEYS[4], what, 1) == tonumber(usual) + 1 then
    unusual = what
  end
end
local function finish(what)
  redis.call('DEL', KEYS[1], KEYS[4])
  redis.call('ZREM', KEYS[3], ARGV[5])
  return answer(what, current, tonumber(record[2]), 0)
end

local function part(context, i)
  return i == 1 and string.sub(context, 1, 7) or string.sub(context, 8)
end
local same_agent = part(ARGV[3], 1) == part(record[3], 1)
local same_address = part(ARGV[3], 2) == part(record[3], 2)

if absolute_end <= sec then
  return finish('absolute')
end
local disabled = redis.call('HGET', KEYS[2], 'disabled')
if ARGV[12] == '' or (disabled and disabled ~= '' and disabled ~= '0') then
  return answer('disabled', current, tonumber(record[2]), 0)
end
-- Before anything is rotated: who is refused and tries again later must not pass for a thief.
if tonumber(record[7]) < tonumber(ARGV[12]) then
  return finish('superseded')
end
local bind = ARGV[4]
if ((bind == 'agent' or bind == 'both') and not same_agent)
  or ((bind == 'address' or bind == 'both') and not same_address) then
  return finish('context')
end

if g < current then
  -- Addresses change in mid-flight on a phone; the agent does not. Bound addresses were compared above.
  local repeated = g == current - 1 and same_agent and now - tonumber(record[2]) < tonumber(ARGV[2])
  if repeated then
    count('repeats', ARGV[10])
    redis.call('EXPIREAT', KEYS[4], redis.call('EXPIRETIME', KEYS[1]))
    return answer('repeat', current, tonumber(record[2]), redis.call('EXPIRETIME', KEYS[1]))
  end
  return finish('reused')
end

local ends = ARGV[13] == '1' and sec + tonumber(record[6]) or redis.call('EXPIRETIME', KEYS[1])
ends = math.min(ends, absolute_end)
redis.call('HSET', KEYS[1], 'generation', g + 1, 'rotated_at', now, 'context', ARGV[3])
redis.call('EXPIREAT', KEYS[1], ends)
redis.call('HSET', KEYS[4], 'at', sec, 'address', ARGV[6], 'agent', ARGV[7])
count('often', ARGV[9])
if not same_address then
  count('places', ARGV[11])
end
redis.call('EXPIREAT', KEYS[4], ends)
redis.call('ZADD', KEYS[3], ends, ARGV[5])
local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
redis.call('EXPIREAT', KEYS[3], last[2])
return answer('ok', g + 1, now, ends)
