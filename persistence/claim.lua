-- Replaces the owner token in KEYS[1] by one with the next epoch and the nonce ARGV[1]; returns it.

local last = redis.call('GET', KEYS[1])
local epoch = last and tonumber(string.match(last, '^%d+')) or 0
local token = string.format('%d:%s', epoch + 1, ARGV[1])
redis.call('SET', KEYS[1], token)
return token
