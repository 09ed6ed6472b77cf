--[[ Gives attempts back to a window.

KEYS[1] counter of the window
ARGV[1] how many

Returns the attempts that stay counted.

When the window ended in the meantime there is nothing to give back to. The end of the window stays
where it was.
]]
local count = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if count <= tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  return 0
end
return redis.call('DECRBY', KEYS[1], ARGV[1])
