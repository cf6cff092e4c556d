-- Removes a session: KEYS[1] its hash, KEYS[2] its stream, ARGV[1] the key prefix. Returns 1, or 0 if there was none.

local found = redis.call('HMGET', KEYS[1], 'member', 'terms')
if found[1] then
  for name in string.gmatch(found[2], '([^%s@]+)[^%s]*') do
    redis.call('ZREM', ARGV[1] .. 'index:' .. name, found[1])
  end
end
redis.call('UNLINK', KEYS[2])
return redis.call('UNLINK', KEYS[1])
