-- Removes a session: KEYS[1] its hash, KEYS[2] its stream, KEYS[3] the shard's owner key, ARGV[1] the key prefix,
-- ARGV[2] the owner token, or '' for none. Returns 1, 0 if there was none, -1 if the token isn't the owner's.

if ARGV[2] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[2] then
  return -1
end
local found = redis.call('HMGET', KEYS[1], 'member', 'terms')
if found[1] then
  for name in string.gmatch(found[2], '([^%s@]+)[^%s]*') do
    redis.call('ZREM', ARGV[1] .. 'index:' .. name, found[1])
  end
end
redis.call('UNLINK', KEYS[2])
return redis.call('UNLINK', KEYS[1])
